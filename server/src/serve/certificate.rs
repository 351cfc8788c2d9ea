//! The TLS certificate of the listeners, and taking a renewed one up while they run.

use crate::config::{ConfigError, Tls};
use axum_server::tls_rustls::RustlsConfig;
use std::io;
use std::time::{Duration, SystemTime};

/// How often the TLS files are looked at.
const LOOK_AT_TLS: Duration = Duration::from_secs(5);

/// A certificate with its key, loaded and found to belong together. Clones are the same one.
#[derive(Clone)]
pub struct Certificate {
    pub(super) config: RustlsConfig,
    files: Tls,
}

fn unusable(files: &Tls, error: &io::Error) -> ConfigError {
    ConfigError::Value {
        key: "tls",
        reason: format!(
            "{} and {} cannot be used: {error}",
            files.certificate_file.display(),
            files.key_file.display()
        ),
    }
}

impl Certificate {
    /// Loads both files.
    ///
    /// # Errors
    /// When one cannot be read or does not parse, or the key is not the certificate's.
    pub async fn load(files: &Tls) -> Result<Certificate, ConfigError> {
        let config = RustlsConfig::from_pem_file(&files.certificate_file, &files.key_file).await;
        Ok(Certificate {
            config: config.map_err(|error| unusable(files, &error))?,
            files: files.clone(),
        })
    }

    /// Takes the files up as they are now. Connections that exist keep what they began with.
    ///
    /// # Errors
    /// As for [`Certificate::load`]; the present certificate stays then.
    pub async fn reload(&self) -> Result<(), ConfigError> {
        let (certificate, key) = (&self.files.certificate_file, &self.files.key_file);
        let taken = self.config.reload_from_pem_file(certificate, key).await;
        taken.map_err(|error| unusable(&self.files, &error))
    }

    /// When the two files were last changed.
    fn changed(&self) -> Option<(SystemTime, SystemTime)> {
        let at = |path| {
            std::fs::metadata(path)
                .and_then(|found| found.modified())
                .ok()
        };
        Some((at(&self.files.certificate_file)?, at(&self.files.key_file)?))
    }

    /// Takes a renewed certificate up. One that cannot be used is told of once, and the present one stays.
    pub(super) async fn renewed(self) {
        let mut seen = self.changed();
        loop {
            tokio::time::sleep(LOOK_AT_TLS).await;
            let now = self.changed();
            if now == seen || now.is_none() {
                continue;
            }
            seen = now;
            match self.reload().await {
                Ok(()) => tracing::info!("the renewed TLS certificate is in use"),
                Err(error) => tracing::error!(%error, "the present certificate stays"),
            }
        }
    }
}
