//! Listening, and stopping without cutting anybody off.

mod certificate;
mod places;
#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use places::{Peer, Places};

use crate::app::{App, Error};
use crate::authenticator::web_app;
use crate::config::{Config, ConfigError};
use crate::{jobs, management, nodes, routes};
use axum::Router;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use places::Bounded;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long the first request of a connection may take to arrive, up to the end of its headers.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long a connection may then be without a request, or its headers under way. Longer than proxies keep connections
/// that are not used, so that it is they who close them and no request meets a connection that is just being closed.
const NEXT_REQUEST: Duration = Duration::from_secs(75);
/// How often an HTTP/2 connection is asked whether anybody is there, and how long that may take to answer.
const PING: Duration = Duration::from_secs(20);
/// How often it is told that connections cannot be accepted.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// Bytes of a request's headers in HTTP/2, its target among them: the longest target that is looked at, and as much for the
/// others. (HTTP/1 takes more by itself.)
const HEADERS_MAX: u32 = 64 * 1024;

/// A listener's hand: stops it, and waits for requests under way.
pub type Stop = Handle<Peer>;

/// Binds an address, saying what to do when it is taken.
///
/// # Errors
/// [`Error::Config`] when it is no address of this machine, [`Error::System`] when another program has it or the system
/// does not allow it.
pub fn bind(key: &'static str, address: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::System(format!(
            "cannot listen on {address}: {error}; another program listens there; stop it or choose another port"
        )),
        io::ErrorKind::PermissionDenied => Error::System(format!(
            "cannot listen on {address}: {error}; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)"
        )),
        _ => Error::Config(ConfigError::Value {
            key,
            reason: format!("cannot listen on {address}: {error}; choose an address of this machine"),
        }),
    })?;
    let unblocked = listener.set_nonblocking(true);
    unblocked.map_err(|error| Error::System(format!("cannot listen on {address}: {error}")))?;
    Ok(listener)
}

/// What a listener has beside its router.
#[derive(Clone)]
pub struct Terms {
    /// Its certificate; plain HTTP without one.
    pub certificate: Option<Certificate>,
    /// Where its connections take their places.
    pub places: Places,
    /// Its stop.
    pub stop: Stop,
}

/// Serves a router on a bound listener until it is stopped.
///
/// # Errors
/// When the system takes the listener back. A connection that cannot be accepted ends nothing.
pub async fn listen(listener: TcpListener, router: Router, terms: Terms) -> Result<(), Error> {
    serve_within(listener, router, terms, [FIRST_REQUEST, NEXT_REQUEST]).await
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    terms: Terms,
    [first, next]: [Duration; 2],
) -> Result<(), Error> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let failed = |error: io::Error| Error::System(format!("serving failed: {error}"));
    let listener = Bounded::new(listener, terms.places).map_err(failed)?;
    let mut server = Server::<Peer>::from_listener(listener)
        .first_request_timeout(first)
        .accept_error_handler(rarely_told())
        .handle(terms.stop);
    server.http_builder().http1().header_read_timeout(next);
    server
        .http_builder()
        .http2()
        .max_header_list_size(HEADERS_MAX)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let served = match terms.certificate {
        None => server.serve(service).await,
        Some(certificate) => {
            let acceptor = RustlsAcceptor::new(certificate.config);
            server.acceptor(acceptor).serve(service).await
        }
    };
    served.map_err(failed)
}

/// Tells of connections that cannot be accepted, such as for want of descriptors, at most once in a while. One that
/// somebody else gave up, or whose handshake failed, is nobody's fault here.
fn rarely_told() -> impl Fn(Option<&Peer>, &io::Error) + Send + Sync + 'static {
    let told: Mutex<Option<Instant>> = Mutex::new(None);
    move |peer, error| {
        if peer.is_some() || error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        let Ok(mut told) = told.lock() else { return };
        if told.is_none_or(|at| at.elapsed() >= TELL_AGAIN) {
            *told = Some(Instant::now());
            tracing::error!(%error, "connections cannot be accepted");
        }
    }
}

/// The listeners of an instance, bound, with the certificate loaded: everything that can fail before it says that it is
/// ready.
pub struct Listeners {
    public: TcpListener,
    phone: Option<TcpListener>,
    management: Option<TcpListener>,
    certificate: Option<Certificate>,
    places: Places,
}

impl Listeners {
    /// Binds them all, the public one first.
    ///
    /// # Errors
    /// What [`bind`] and [`Certificate::load`] report.
    pub async fn open(config: &Config) -> Result<Listeners, Error> {
        let public = bind("listen", &config.listen)?;
        let certificate = match &config.tls {
            Some(files) => Some(Certificate::load(files).await?),
            None => None,
        };
        let wanted = config.limits.load.connections_max;
        let places = Places::within_limit_of_files(wanted, config.database.descriptors());
        Listeners::over(public, config, certificate, places)
    }

    /// The same over a public listener that is bound already, and with places that others may share.
    ///
    /// # Errors
    /// What [`bind`] reports.
    pub fn over(
        public: TcpListener,
        config: &Config,
        certificate: Option<Certificate>,
        places: Places,
    ) -> Result<Listeners, Error> {
        let bound =
            |key, address: Option<&String>| address.map(|address| bind(key, address)).transpose();
        Ok(Listeners {
            public,
            phone: bound("authenticator.listen", config.authenticator.listen.as_ref())?,
            management: bound("management.listen", config.management.listen.as_ref())?,
            certificate,
            places,
        })
    }

    /// The certificate, to take a renewed one up.
    pub fn certificate(&self) -> Option<Certificate> {
        self.certificate.clone()
    }
}

/// The Authenticator web app of an instance, when it serves one.
fn authenticator(app: &App) -> Option<Router> {
    let config = &app.config.authenticator;
    let url = config.public_url.as_ref()?;
    let mut issuers = vec![app.issuer.clone()];
    issuers.extend(config.issuers.iter().map(crate::config::origin));
    issuers.dedup();
    Some(web_app::router(url, &issuers))
}

/// Runs an instance until `stop` is used: its public address, its authenticator app, its management listener, its jobs.
/// Health is answered until the very end.
pub async fn run(app: App, listeners: Listeners, stop: Stop) -> Result<(), Error> {
    for warning in app.config.warnings() {
        tracing::warn!(role = app.config.role, "{warning}");
    }
    let terms = Terms {
        certificate: listeners.certificate,
        places: listeners.places,
        stop: stop.clone(),
    };
    let jobs = tokio::spawn(jobs::run(app.clone()));
    let nodes = app.to_be_told();
    let nodes = nodes.map(|told| tokio::spawn(nodes::run(app.clone(), told)));
    let renewing = terms.certificate.clone();
    let renewing = renewing.map(|certificate| tokio::spawn(certificate.renewed()));
    let phone = listeners.phone.zip(authenticator(&app));
    let phone =
        phone.map(|(listener, router)| tokio::spawn(listen(listener, router, terms.clone())));
    let health = Stop::new();
    let management = listeners.management.map(|listener| {
        let terms = Terms {
            certificate: None,
            places: Places::of_operators(),
            stop: health.clone(),
        };
        tokio::spawn(listen(listener, management::router(&app), terms))
    });
    let served = listen(listeners.public, routes::router(&app), terms).await;
    stop.graceful_shutdown(Some(app.config.drain.limit()));
    jobs.abort();
    for job in [nodes, renewing].into_iter().flatten() {
        job.abort();
    }
    if let Some(phone) = phone {
        let _ = phone.await;
    }
    health.shutdown();
    if let Some(management) = management {
        let _ = management.await;
    }
    app.store.close().await?;
    served
}

/// Stops in steps: not ready at once; after the pause that load balancers need, streams are sent elsewhere and no new
/// connection is taken; requests under way finish within the limit.
pub async fn drain(app: &App, stop: &Stop) {
    app.drain.begin();
    tokio::time::sleep(app.config.drain.delay()).await;
    app.drain.close_streams();
    stop.graceful_shutdown(Some(app.config.drain.limit()));
}
