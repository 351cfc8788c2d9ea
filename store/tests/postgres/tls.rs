//! TLS on the way to PostgreSQL, with a real server: what is taken, and what is refused before anything is said.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use techpass_store::db::Driver;
use techpass_store::error::StoreError;
use techpass_store::postgres::{Open, Postgres};

use crate::support::postgres::Server;
use crate::support::{THINGS, add, run};

/// An authority, and its certificate in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(file: &Path) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        Authority {
            issuer: Issuer::new(params, key),
            file: file.to_owned(),
        }
    }

    /// A server that shows a certificate of this authority for this name.
    fn server(&self, name: &str) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let server = Server::start(&[]);
        // The server writes its files itself, so that they are its own whoever runs the tests.
        for (file, pem) in [
            ("server.crt", certificate.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            let lines = pem.replace('\n', "|");
            server.psql(
                "postgres",
                &format!(
                    "COPY (SELECT unnest(string_to_array('{lines}', '|'))) TO PROGRAM 'umask 077; cat > {file}'"
                ),
            );
        }
        server.psql("postgres", "ALTER SYSTEM SET ssl = on");
        server.psql("postgres", "SELECT pg_reload_conf()");
        while server.psql("postgres", "SHOW ssl") != "on" {
            std::thread::yield_now();
        }
        server
    }
}

async fn open(server: &Server, options: &str) -> Result<Postgres, StoreError> {
    let url = format!("{}?{options}", server.fresh());
    Postgres::open(&url, Open::default()).await
}

/// Why it was refused, in all words that there are.
async fn refused(server: &Server, options: &str) -> String {
    let error = open(server, options).await.unwrap_err();
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(because) = cause {
        said = format!("{said}: {because}");
        cause = because.source();
    }
    said
}

fn root(file: &Path) -> String {
    format!("sslrootcert={}", file.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_proves_its_name_is_used_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(&folder.path().join("ours.pem"));
    let theirs = Authority::new(&folder.path().join("theirs.pem"));
    let server = ours.server("127.0.0.1");

    let verified = format!("sslmode=verify-full&{}", root(&ours.file));
    let driver = open(&server, &verified).await.unwrap();
    run(&driver, THINGS).await;
    driver.commit(vec![add("a")]).await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'techpass'";
    assert_eq!(server.psql("postgres", encrypted), "t");
    // Encrypted to whoever answers.
    open(&server, "sslmode=require").await.unwrap();
    assert_eq!(server.psql("postgres", encrypted), "t");

    // Another authority, be it asked to prove a name or not; and by default one that this system trusts.
    for options in [
        format!("sslmode=verify-full&{}", root(&theirs.file)),
        format!("sslmode=require&{}", root(&theirs.file)),
        "sslmode=verify-full".to_owned(),
    ] {
        let said = refused(&server, &options).await;
        assert!(said.contains("certificate"), "{options}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_name_counts_and_so_does_tls_itself() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(&folder.path().join("ours.pem"));
    let verified = format!("sslmode=verify-full&{}", root(&ours.file));
    let other = ours.server("db.example");
    let said = refused(&other, &verified).await;
    assert!(said.contains("certificate"), "{said}");
    // A server without TLS, or somebody between who takes it away.
    let said = refused(Server::shared(), &verified).await;
    assert!(said.contains("TLS"), "{said}");
}
