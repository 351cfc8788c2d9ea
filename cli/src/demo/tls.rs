//! A certificate authority for one demonstration, made in its data directory, and the servers' certificate. Both are as
//! strict clients want them (RFC 5280): the browser's and the language's defaults find nothing to complain about.

use super::Origins;
use super::world::write_private;
use crate::exit::Failure;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::path::{Path, PathBuf};
use techpass_domain::time::{Seconds, Timestamp};
use time::OffsetDateTime;
use x509_parser::pem::Pem;

const DAY_S: Seconds = 24 * 60 * 60;
/// For how long the authority is good: whoever trusts it does so once.
const AUTHORITY_LIFETIME_S: Seconds = 3650 * DAY_S;
/// For how long the servers' certificate is good; some clients believe none that is good for longer than 398 days.
const LEAF_LIFETIME_S: Seconds = 365 * DAY_S;
/// What ends within this time is made anew.
const RENEWED_BEFORE_S: Seconds = 30 * DAY_S;

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

fn failed(error: rcgen::Error) -> Failure {
    Failure::failed(format!("a certificate cannot be made: {error}"))
}

/// Makes authority and certificate, or takes those of an earlier run. An authority that is there stays, since clients may
/// trust it already.
pub fn prepare(data: &Path, origins: &Origins, now: Timestamp) -> Result<Files, Failure> {
    let files = Files {
        ca: data.join("ca.pem"),
        certificate: data.join(format!("host-{}.pem", origins.host)),
        key: data.join(format!("host-{}.key", origins.host)),
    };
    let kept = lasts(&files.ca, now);
    if kept && files.key.exists() && lasts(&files.certificate, now) {
        return Ok(files);
    }
    let ca_key_file = data.join("ca.key");
    let ca_key = match kept {
        true => std::fs::read_to_string(&ca_key_file)
            .ok()
            .and_then(|pem| KeyPair::from_pem(&pem).ok())
            .ok_or_else(|| {
                Failure::failed(format!(
                    "{} has no usable key in {}; remove it to have another authority made",
                    files.ca.display(),
                    ca_key_file.display()
                ))
            })?,
        false => KeyPair::generate().map_err(failed)?,
    };
    let authority = authority(now)?;
    if !kept {
        let ca = authority.self_signed(&ca_key).map_err(failed)?;
        write_private(&ca_key_file, ca_key.serialize_pem().as_bytes())?;
        std::fs::write(&files.ca, ca.pem()).map_err(Failure::system)?;
    }
    let leaf_key = KeyPair::generate().map_err(failed)?;
    let issuer = Issuer::new(authority, &ca_key);
    let leaf = leaf(origins, now)?
        .signed_by(&leaf_key, &issuer)
        .map_err(failed)?;
    write_private(&files.key, leaf_key.serialize_pem().as_bytes())?;
    std::fs::write(&files.certificate, leaf.pem()).map_err(Failure::system)?;
    Ok(files)
}

/// The authority; what is signed names its subject and its key, which stay the same.
fn authority(now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "TechPass demonstration authority");
    good_for(&mut authority, now, AUTHORITY_LIFETIME_S)?;
    Ok(authority)
}

fn leaf(origins: &Origins, now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut names = vec![origins.host.clone(), "127.0.0.1".to_owned()];
    names.dedup();
    let mut leaf = CertificateParams::new(names).map_err(failed)?;
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.distinguished_name
        .push(DnType::CommonName, origins.host.as_str());
    good_for(&mut leaf, now, LEAF_LIFETIME_S)?;
    Ok(leaf)
}

/// From yesterday, since clocks differ.
fn good_for(
    certificate: &mut CertificateParams,
    now: Timestamp,
    lifetime_s: Seconds,
) -> Result<(), Failure> {
    let at = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.0).map_err(Failure::system);
    certificate.not_before = at(now.plus(-DAY_S))?;
    certificate.not_after = at(now.plus(lifetime_s))?;
    Ok(())
}

/// Whether a file holds a certificate that is good for a while yet.
fn lasts(file: &Path, now: Timestamp) -> bool {
    let Ok(bytes) = std::fs::read(file) else {
        return false;
    };
    let pem = Pem::iter_from_buffer(&bytes).next();
    let end = pem.and_then(Result::ok).and_then(|pem| {
        let certificate = pem.parse_x509().ok()?;
        Some(certificate.validity().not_after.timestamp())
    });
    end.is_some_and(|end| now.plus(RENEWED_BEFORE_S).0 < end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    use x509_parser::certificate::X509Certificate;
    use x509_parser::extensions::ParsedExtension;

    const NOW: Timestamp = Timestamp(1_790_000_000);

    fn at(host: &str) -> Origins {
        Origins {
            scheme: "https",
            host: host.to_owned(),
            base: 8080,
        }
    }

    fn with<T>(file: &Path, see: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
        let bytes = std::fs::read(file).unwrap();
        let pem = Pem::iter_from_buffer(&bytes).next().unwrap().unwrap();
        see(&pem.parse_x509().unwrap())
    }

    /// The authority's key as its certificate names it.
    fn own_key(ca: &Path) -> Vec<u8> {
        with(ca, |ca| {
            let mut all = ca.extensions().iter();
            all.find_map(|one| match one.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
            .expect("the authority names its key")
        })
    }

    /// The authority's key as a certificate of it names it.
    fn issuers_key(leaf: &Path) -> Vec<u8> {
        with(leaf, |leaf| {
            let mut all = leaf.extensions().iter();
            all.find_map(|one| match one.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.clone(),
                _ => None,
            })
            .expect("the certificate names its issuer's key")
            .0
            .to_vec()
        })
    }

    #[test]
    fn strict_clients_believe_the_certificates() {
        let data = tempfile::tempdir().unwrap();
        let files = prepare(data.path(), &at("localhost"), NOW).unwrap();
        assert_eq!(issuers_key(&files.certificate), own_key(&files.ca));
        with(&files.ca, |ca| {
            let usage = ca.key_usage().unwrap().unwrap();
            assert!(usage.critical && usage.value.key_cert_sign());
            assert!(ca.basic_constraints().unwrap().unwrap().value.ca);
        });
        with(&files.certificate, |leaf| {
            let usage = leaf.key_usage().unwrap().unwrap();
            assert!(usage.value.digital_signature());
            let validity = leaf.validity();
            assert_eq!(validity.not_before.timestamp(), NOW.0 - DAY_S);
            assert_eq!(validity.not_after.timestamp(), NOW.0 + LEAF_LIFETIME_S);
        });
    }

    #[test]
    fn the_authority_stays_and_certificates_are_renewed_under_it() {
        let data = tempfile::tempdir().unwrap();
        let first = prepare(data.path(), &at("localhost"), NOW).unwrap();
        let read = |file: &PathBuf| std::fs::read(file).unwrap();
        let (ca, leaf) = (read(&first.ca), read(&first.certificate));
        for (later_s, host, same) in [
            (0, "localhost", true),
            (LEAF_LIFETIME_S - RENEWED_BEFORE_S - 1, "localhost", true),
            (0, "ca", false),
            (0, "pass.example", false),
            (LEAF_LIFETIME_S - RENEWED_BEFORE_S, "localhost", false),
        ] {
            let files = prepare(data.path(), &at(host), NOW.plus(later_s)).unwrap();
            assert_eq!(read(&files.ca), ca, "{host}");
            assert_eq!(read(&files.certificate) == leaf, same, "{host} {later_s}");
            assert_eq!(issuers_key(&files.certificate), own_key(&files.ca));
        }
    }

    #[test]
    fn an_authority_without_its_key_is_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        let files = prepare(data.path(), &at("localhost"), NOW).unwrap();
        let ca = std::fs::read(&files.ca).unwrap();
        std::fs::remove_file(data.path().join("ca.key")).unwrap();
        assert!(prepare(data.path(), &at("localhost"), NOW).is_ok());
        assert!(prepare(data.path(), &at("pass.example"), NOW).is_err());
        assert_eq!(std::fs::read(&files.ca).unwrap(), ca);
    }
}
