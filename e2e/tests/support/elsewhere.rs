//! A place on loopback where a client keeps a document: its keys, a list of its redirect URIs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// One document, whatever is asked for. It ends with the test's runtime.
#[derive(Clone)]
pub struct Elsewhere {
    /// Its address.
    pub url: String,
    body: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Elsewhere {
    /// Starts one that answers with this.
    pub async fn start(body: String) -> Elsewhere {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let elsewhere = Elsewhere {
            url: format!("http://{address}/document"),
            body: Arc::new(Mutex::new(body)),
            asked: Arc::default(),
        };
        let shared = elsewhere.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                shared.asked.fetch_add(1, Ordering::SeqCst);
                let body = shared.body.lock().expect("a body").clone();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        elsewhere
    }

    /// Another document from now on.
    pub fn put(&self, body: String) {
        *self.body.lock().expect("a body") = body;
    }

    /// How often it was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
