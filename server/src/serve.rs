//! Listening, and stopping without cutting anybody off.

use crate::app::{App, Error};
use crate::authenticator::web_app;
use crate::config::Tls;
use crate::{jobs, management, nodes, routes};
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, SystemTime};

/// How often the TLS files are looked at.
const LOOK_AT_TLS: Duration = Duration::from_secs(5);

/// Bytes of a request's headers in HTTP/2, its target among them: the longest target that is looked at, and as much for the
/// others. (HTTP/1 takes more by itself.)
const HEADERS_MAX: u32 = 64 * 1024;

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
        None => {
            let mut server = axum_server::from_tcp(listener).map_err(failed)?;
            server
                .http_builder()
                .http2()
                .max_header_list_size(HEADERS_MAX);
            server.handle(stop).serve(service).await.map_err(failed)
        }
        Some(tls) => {
            let config = RustlsConfig::from_pem_file(&tls.certificate_file, &tls.key_file)
                .await
                .map_err(|error| Error::System(format!("the TLS files cannot be used: {error}")))?;
            let renewing = tokio::spawn(renewed(config.clone(), tls));
            let mut server = axum_server::from_tcp_rustls(listener, config).map_err(failed)?;
            server
                .http_builder()
                .http2()
                .max_header_list_size(HEADERS_MAX);
            let served = server.handle(stop).serve(service).await;
            renewing.abort();
            served.map_err(failed)
        }
    }
}

/// When the two files were last changed.
fn changed(tls: &Tls) -> Option<(SystemTime, SystemTime)> {
    let at = |path| {
        std::fs::metadata(path)
            .and_then(|found| found.modified())
            .ok()
    };
    Some((at(&tls.certificate_file)?, at(&tls.key_file)?))
}

/// Takes a renewed certificate up. One that cannot be used is told of once, and the present one stays.
async fn renewed(config: RustlsConfig, tls: Tls) {
    let mut seen = changed(&tls);
    loop {
        tokio::time::sleep(LOOK_AT_TLS).await;
        let now = changed(&tls);
        if now == seen || now.is_none() {
            continue;
        }
        seen = now;
        let taken = config.reload_from_pem_file(&tls.certificate_file, &tls.key_file);
        match taken.await {
            Ok(()) => tracing::info!("the renewed TLS certificate is in use"),
            Err(error) => {
                tracing::error!(%error, "the changed TLS files cannot be used; the present certificate stays");
            }
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

/// The listeners of an instance beside its public one, bound before anything is served.
struct Beside {
    phone: Option<(TcpListener, Router)>,
    management: Option<TcpListener>,
}

impl Beside {
    fn bind(app: &App) -> Result<Beside, Error> {
        let phone = match authenticator(app) {
            Some((address, router)) => Some((bind(&address)?, router)),
            None => None,
        };
        let management = app.config.management.listen.as_deref();
        Ok(Beside {
            phone,
            management: management.map(bind).transpose()?,
        })
    }
}

/// Runs an instance until `stop` is used: its public address, its authenticator app, its management listener, its jobs.
/// Health is answered until the very end.
pub async fn run(app: App, public: TcpListener, stop: Stop) -> Result<(), Error> {
    for warning in app.config.warnings() {
        tracing::warn!(role = app.config.role, "{warning}");
    }
    let beside = Beside::bind(&app)?;
    let jobs = tokio::spawn(jobs::run(app.clone()));
    let nodes = app.to_be_told();
    let nodes = nodes.map(|told| tokio::spawn(nodes::run(app.clone(), told)));
    let tls = app.config.tls.clone();
    let phone = beside
        .phone
        .map(|(listener, router)| tokio::spawn(listen(listener, router, tls, stop.clone())));
    let health = Stop::new();
    let management = beside.management.map(|listener| {
        let router = management::router(&app);
        tokio::spawn(listen(listener, router, None, health.clone()))
    });
    let (router, tls) = (routes::router(&app), app.config.tls.clone());
    let served = listen(public, router, tls, stop.clone()).await;
    stop.graceful_shutdown(Some(app.config.drain.limit()));
    jobs.abort();
    if let Some(nodes) = nodes {
        nodes.abort();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::web::shell::TARGET_MAX;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// What a server over HTTP/2 says first of the headers that it takes (RFC 9113 §6.5.2): its SETTINGS_MAX_HEADER_LIST_SIZE.
    async fn header_list_size(address: SocketAddr) -> u32 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(preface).await.unwrap();
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, ..] = head;
        assert_eq!(kind, 4, "the first frame holds the settings");
        let mut frame = vec![0; u32::from_be_bytes([0, a, b, c]).try_into().unwrap()];
        stream.read_exact(&mut frame).await.unwrap();
        let mut settings = frame.as_chunks::<6>().0.iter();
        let found = settings.find_map(|[high, low, value @ ..]| {
            (u16::from_be_bytes([*high, *low]) == 6).then(|| u32::from_be_bytes(*value))
        });
        found.unwrap_or(u32::MAX)
    }

    #[tokio::test]
    async fn the_longest_target_fits_into_the_headers_of_http_2() {
        let listener = bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let serving = tokio::spawn(listen(listener, Router::new(), None, stop.clone()));
        let taken = header_list_size(address).await;
        assert!(
            usize::try_from(taken).unwrap() >= TARGET_MAX + 16 * 1024,
            "{taken}"
        );
        stop.shutdown();
        serving.await.unwrap().unwrap();
    }
}
