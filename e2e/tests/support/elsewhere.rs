//! A place on loopback where a client keeps a document: its keys, a list of its redirect URIs.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One document, whatever is asked for. It ends with the test's runtime.
#[derive(Clone)]
pub struct Elsewhere {
    /// Its address.
    pub url: String,
    body: Arc<Mutex<String>>,
    onward: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    /// Starts one that answers with this.
    pub async fn start(body: String) -> Elsewhere {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let elsewhere = Elsewhere {
            url: format!("http://{address}/document"),
            body: Arc::new(Mutex::new(body)),
            onward: Arc::default(),
            asked: Arc::default(),
        };
        let shared = elsewhere.clone();
        tokio::spawn(async move {
            // Browsers open connections ahead and send nothing on them, so each is answered by itself.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, shared.clone()));
            }
        });
        elsewhere
    }

    /// Another document from now on.
    pub fn put(&self, body: String) {
        *self.body.lock().expect("a body") = body;
    }

    /// Sends whoever comes back to `/cb` on to this address.
    pub fn send_on(&self, to: String) {
        *self.onward.lock().expect("an address") = Some(to);
    }

    /// How often it was asked for.
    pub fn asked(&self) -> usize {
        self.targets().len()
    }

    /// What was asked for, path and query.
    pub fn targets(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }
}

async fn answer(mut stream: TcpStream, place: Elsewhere) {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    if read == 0 {
        return;
    }
    let request = String::from_utf8_lossy(&buffer[..read]);
    let target = request.split(' ').nth(1).unwrap_or_default();
    place.asked.lock().expect("a list").push(target.to_owned());
    let onward = place.onward.lock().expect("an address").clone();
    if let Some(to) = onward.filter(|_| target.starts_with("/cb")) {
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    let body = place.body.lock().expect("a body").clone();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
