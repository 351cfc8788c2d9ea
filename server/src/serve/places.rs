//! Places for connections. A server that accepts more than it has file descriptors for can open neither its database nor
//! a connection to anybody else, so it accepts fewer and lets the others wait in the system's queue.

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors for what is always open: standard streams, timers, logs, locks, listeners.
const ALWAYS: u64 = 48;
/// Connections of operators: they have places of their own, so that health is answered when everything else is full.
const OPERATORS: u64 = 16;
/// The most that is put aside for calls to others.
const CALLS_MAX: u64 = 1024;
/// Fewer are never given, or nobody could sign in at all.
const PLACES_MIN: u64 = 16;

/// How many connections may be open at once, over all listeners that share it.
#[derive(Clone, Debug)]
pub struct Places(Arc<Semaphore>);

impl Places {
    /// So many.
    pub fn new(count: usize) -> Places {
        Places(Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))))
    }

    /// As many as the process's limit of files leaves beside `descriptors` of a database, and at most `wanted`.
    pub fn within_limit_of_files(wanted: Option<usize>, descriptors: usize) -> Places {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let room = room(files, descriptors);
        Places::new(wanted.map_or(room, |wanted| wanted.min(room)))
    }

    /// Those of operators.
    pub fn of_operators() -> Places {
        Places::new(usize::try_from(OPERATORS).unwrap_or(1))
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}

/// Connections for a limit of files; `None` is no limit.
fn room(files: Option<u64>, descriptors: usize) -> usize {
    let Some(files) = files else {
        return Semaphore::MAX_PERMITS;
    };
    let database = u64::try_from(descriptors).unwrap_or(u64::MAX);
    let calls = (files / 8).min(CALLS_MAX);
    let aside = ALWAYS
        .saturating_add(OPERATORS)
        .saturating_add(database)
        .saturating_add(calls);
    usize::try_from(files.saturating_sub(aside).max(PLACES_MIN)).unwrap_or(usize::MAX)
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Address for Peer {
    type Stream = Held;
    type Listener = Bounded;
}

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> SocketAddr {
        peer.0
    }
}

/// A listener that accepts a connection only when there is a place for it.
#[derive(Debug)]
pub struct Bounded {
    listener: TcpListener,
    places: Places,
}

impl Bounded {
    /// Over a bound listener that does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(listener: std::net::TcpListener, places: Places) -> io::Result<Bounded> {
        let listener = TcpListener::from_std(listener)?;
        Ok(Bounded { listener, places })
    }
}

impl AddrListener<Held, Peer> for Bounded {
    async fn bind_to(peer: Peer) -> io::Result<Bounded> {
        let listener = TcpListener::bind(peer.0).await?;
        let places = Places::within_limit_of_files(None, 0);
        Ok(Bounded { listener, places })
    }

    async fn accept_stream(&self) -> io::Result<(Held, Peer)> {
        // Nobody closes it.
        let place = Arc::clone(&self.places.0).acquire_owned().await;
        let _place = place.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok((Held { stream, _place }, Peer(peer)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

/// A connection with its place, which is free again when it is closed.
#[derive(Debug)]
pub struct Held {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_database_and_for_calls() {
        for (files, descriptors, places) in [
            (Some(300), 33, 166),
            (Some(1024), 33, 799),
            (Some(65_536), 33, 64_415),
            (Some(64), 33, 16),
            (None, 33, Semaphore::MAX_PERMITS),
        ] {
            assert_eq!(room(files, descriptors), places, "{files:?}");
        }
    }
}
