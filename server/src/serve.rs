//! Listening, and stopping without cutting anybody off.

use crate::app::{App, Error};
use crate::authenticator::web_app;
use crate::config::Tls;
use crate::{jobs, routes};
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// How long requests under way may take to finish.
const DRAIN: Duration = Duration::from_secs(5);

/// A listener's hand: stops it, and waits for requests under way.
pub type Stop = Handle<SocketAddr>;

/// Binds an address, saying what to do when it is taken.
pub fn bind(address: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; stop it or choose another port"
            }
            _ => "choose an address of this machine",
        };
        Error::System(format!("cannot listen on {address}: {error}; {advice}"))
    })?;
    let unblocked = listener.set_nonblocking(true);
    unblocked.map_err(|error| Error::System(format!("cannot listen on {address}: {error}")))?;
    Ok(listener)
}

/// Serves a router on a bound listener until it is stopped.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    stop: Stop,
) -> Result<(), Error> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let failed = |error: std::io::Error| Error::System(format!("serving failed: {error}"));
    match tls {
        None => axum_server::from_tcp(listener)
            .map_err(failed)?
            .handle(stop)
            .serve(service)
            .await
            .map_err(failed),
        Some(tls) => {
            let config = RustlsConfig::from_pem_file(&tls.certificate_file, &tls.key_file)
                .await
                .map_err(|error| Error::System(format!("the TLS files cannot be used: {error}")))?;
            axum_server::from_tcp_rustls(listener, config)
                .map_err(failed)?
                .handle(stop)
                .serve(service)
                .await
                .map_err(failed)
        }
    }
}

/// The Authenticator web app of an instance, when it serves one.
pub fn authenticator(app: &App) -> Option<(String, Router)> {
    let config = &app.config.authenticator;
    let (listen, url) = (config.listen.clone()?, config.public_url.as_ref()?);
    let mut issuers = vec![app.issuer.clone()];
    issuers.extend(config.issuers.iter().map(crate::config::origin));
    issuers.dedup();
    Some((listen, web_app::router(url, &issuers)))
}

/// Runs an instance until `stop` is used: its public address, its authenticator app, its jobs.
pub async fn run(app: App, public: TcpListener, stop: Stop) -> Result<(), Error> {
    for warning in app.config.warnings() {
        tracing::warn!(role = app.config.role, "{warning}");
    }
    let jobs = tokio::spawn(jobs::run(app.clone()));
    let phone = match authenticator(&app) {
        Some((address, router)) => {
            let listener = bind(&address)?;
            let tls = app.config.tls.clone();
            Some(tokio::spawn(listen(listener, router, tls, stop.clone())))
        }
        None => None,
    };
    let served = listen(
        public,
        routes::router(&app),
        app.config.tls.clone(),
        stop.clone(),
    )
    .await;
    stop.graceful_shutdown(Some(DRAIN));
    jobs.abort();
    if let Some(phone) = phone {
        let _ = phone.await;
    }
    app.store.close().await?;
    served
}
