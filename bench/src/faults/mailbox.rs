//! A mail server that can be mute (RFC 5321).

use anyhow::Result;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The mail server.
pub struct Mailbox {
    address: SocketAddr,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    mute: Cell<bool>,
    speaks: Notify,
    met: Cell<usize>,
    taken: RefCell<BTreeSet<String>>,
}

impl Mailbox {
    /// Listens on loopback.
    pub async fn listen() -> Result<Mailbox> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Rc::new(State::default());
        let shared = Rc::clone(&state);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Rc::clone(&shared);
                // A client that leaves in the middle has sent nothing.
                tokio::task::spawn_local(async move { serve(stream, &state).await.ok() });
            }
        });
        Ok(Mailbox { address, state })
    }

    /// The configuration that sends everything there.
    pub fn configuration(&self) -> String {
        format!(
            "[accounts]\nsecurity_mail = \"security@mail.example\"\n\
             [mail]\nserver = \"smtp://{}\"\nfrom = \"TechPass <no-reply@mail.example>\"\n",
            self.address
        )
    }

    /// Whether it takes connections and says nothing. Those that it has are closed when it speaks again.
    pub fn mute(&self, mute: bool) {
        self.state.mute.set(mute);
        if !mute {
            self.state.speaks.notify_waiters();
        }
    }

    /// How many connections met it mute.
    pub fn met(&self) -> usize {
        self.state.met.get()
    }

    /// Mails that were taken, each counted once.
    pub fn taken(&self) -> usize {
        self.state.taken.borrow().len()
    }
}

async fn serve(stream: TcpStream, state: &State) -> Result<()> {
    if state.mute.get() {
        state.met.set(state.met.get() + 1);
        state.speaks.notified().await;
        return Ok(());
    }
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match line.get(..4) {
            Some("DATA") => {
                write.write_all(b"354 go on\r\n").await?;
                let mut name = None;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    name = name.or(line.strip_prefix("Message-ID: ").map(str::to_owned));
                }
                state.taken.borrow_mut().extend(name);
                b"250 taken\r\n"
            }
            Some("QUIT") => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
