//! A mail server that writes down what it is given, and is busy or mute at first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A mail server of the tests.
pub struct Smtp {
    /// Its port.
    pub port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    mute: watch::Sender<bool>,
    met: Arc<AtomicUsize>,
}

impl Smtp {
    /// Starts one that refuses the first `busy` mails for the moment (RFC 5321 §4.2.1, 4yz).
    pub async fn start(busy: usize) -> Smtp {
        Smtp::begin(busy, false).await
    }

    /// Starts one that takes connections and says nothing.
    pub async fn mute() -> Smtp {
        Smtp::begin(0, true).await
    }

    async fn begin(busy: usize, mute: bool) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        let left = Arc::new(Mutex::new(busy));
        let (mute, is_mute) = watch::channel(mute);
        let met = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&met);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, left) = (Arc::clone(&kept), Arc::clone(&left));
                let (mut is_mute, met) = (is_mute.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    if *is_mute.borrow_and_update() {
                        met.fetch_add(1, Ordering::Relaxed);
                        // Closed when it speaks again.
                        return is_mute.changed().await.map_err(std::io::Error::other);
                    }
                    serve(stream, kept, left).await
                });
            }
        });
        Smtp {
            port,
            mails,
            mute,
            met,
        }
    }

    /// Connections that met it mute.
    pub fn met_mute(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }

    /// It speaks again; connections that met it mute are closed.
    pub fn speak(&self) {
        self.mute.send_replace(false);
    }

    /// What arrived, headers and all.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("one looks at a time").clone()
    }
}

fn refuses(left: &Mutex<usize>) -> bool {
    let mut left = left.lock().expect("one at a time");
    let refuses = *left > 0;
    *left = left.saturating_sub(1);
    refuses
}

async fn serve(
    stream: TcpStream,
    mails: Arc<Mutex<Vec<String>>>,
    left: Arc<Mutex<usize>>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().expect("one at a time").push(mail);
                b"250 taken\r\n"
            }
            "RCPT" if refuses(&left) => b"451 busy\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
