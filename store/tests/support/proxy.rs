//! A way to the database that can be cut right after something was sent, before its answer comes.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections to a port.
pub struct Proxy {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    cuts: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    gone: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

/// The message that asks for a commit.
const COMMIT: &[u8] = b"COMMIT\0";

/// What a cut leaves of the message.
#[derive(Clone, Copy)]
pub enum Cut {
    /// The server gets it, and only its answer is lost.
    After,
    /// The server does not get it.
    Before,
}

impl Proxy {
    pub async fn start(to: u16, cut: Cut) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cuts, made) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (left, done) = (Arc::clone(&cuts), Arc::clone(&made));
        let (gone, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (nobody, count) = (Arc::clone(&gone), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if nobody.load(Ordering::SeqCst) {
                    count.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await.unwrap();
                tokio::spawn(forward(
                    client,
                    server,
                    cut,
                    (Arc::clone(&left), Arc::clone(&done)),
                ));
            }
        });
        Self {
            port,
            cuts,
            made,
            gone,
            refused,
        }
    }

    /// Whether there is no server to lead to: new connections end at once.
    pub fn lead_nowhere(&self, nowhere: bool) {
        self.gone.store(nowhere, Ordering::SeqCst);
    }

    /// How many connections ended so.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Cuts the next so many connections that ask for a commit.
    pub fn cut_next(&self, count: usize) {
        self.cuts.store(count, Ordering::SeqCst);
    }

    /// How many were cut.
    pub fn cut(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    cut: Cut,
    (left, made): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers =
        tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let sent = &buffer[..length];
        let asks = sent.windows(COMMIT.len()).any(|part| part == COMMIT);
        let one_less = |left: usize| left.checked_sub(1);
        if asks
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
        {
            // No answer gets through from here on.
            answers.abort();
            let _ = answers.await;
            if matches!(cut, Cut::After) {
                to_server.write_all(sent).await.unwrap();
            }
            made.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if to_server.write_all(sent).await.is_err() {
            break;
        }
    }
    answers.abort();
}
