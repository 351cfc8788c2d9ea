//! A certificate authority for one demonstration, made in its data directory.

use super::Origins;
use crate::exit::Failure;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The authority's certificate, to be trusted by clients.
    pub ca: PathBuf,
    /// The servers' certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Makes authority and certificate, or takes those of an earlier run for the same host.
pub fn prepare(data: &Path, origins: &Origins) -> Result<Files, Failure> {
    let files = Files {
        ca: data.join("ca.pem"),
        certificate: data.join(format!("{}.pem", origins.host)),
        key: data.join(format!("{}.key", origins.host)),
    };
    let ca_key_file = data.join("ca.key");
    if files.certificate.exists() && files.key.exists() && files.ca.exists() {
        return Ok(files);
    }
    let failed =
        |error: rcgen::Error| Failure::failed(format!("a certificate cannot be made: {error}"));
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "TechPass demonstration authority");
    let ca_key = KeyPair::generate().map_err(failed)?;
    let ca = authority.self_signed(&ca_key).map_err(failed)?;
    let mut names = vec![origins.host.clone(), "127.0.0.1".to_owned()];
    names.dedup();
    let mut leaf = CertificateParams::new(names).map_err(failed)?;
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.distinguished_name
        .push(DnType::CommonName, origins.host.as_str());
    let leaf_key = KeyPair::generate().map_err(failed)?;
    let issuer = Issuer::new(authority, &ca_key);
    let leaf = leaf.signed_by(&leaf_key, &issuer).map_err(failed)?;
    super::world::write_private(&ca_key_file, ca_key.serialize_pem().as_bytes())?;
    super::world::write_private(&files.key, leaf_key.serialize_pem().as_bytes())?;
    std::fs::write(&files.ca, ca.pem()).map_err(Failure::system)?;
    std::fs::write(&files.certificate, leaf.pem()).map_err(Failure::system)?;
    Ok(files)
}
