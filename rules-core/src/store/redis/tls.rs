//! TLS by rustls: whom a connection trusts, and what it means when it does not.

use std::error::Error;
use std::io;
use std::sync::Arc;

use deadpool_redis::redis::{Client, ConnectionInfo, TlsCertificates};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::RedisError;

/// The certificates of a text in PEM, if it has any and each can be the root of trust.
pub(super) fn check_authority(pem: &[u8]) -> Result<(), RedisError> {
    let wrong = |reason: String| RedisError::Authority { reason };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(()) }
}

/// How to reach an address; one under `rediss://` trusting these authorities and no others, or those
/// of the machine if there are none.
pub(super) fn reach(address: &str, authorities: &[u8]) -> Result<ConnectionInfo, RedisError> {
    // A process has one provider of cryptography. Whoever wants another one installs it before.
    if address.starts_with("rediss://") && CryptoProvider::get_default().is_none() {
        drop(aws_lc_rs::default_provider().install_default());
    }
    let root_cert = (!authorities.is_empty()).then(|| authorities.to_vec());
    let client = match root_cert {
        Some(_) => Client::build_with_tls(address, TlsCertificates { client_tls: None, root_cert }),
        None => Client::open(address),
    };
    let client = client.map_err(|error| RedisError::Address { reason: error.category().to_owned() })?;
    Ok(client.get_connection_info().clone())
}

/// True when no connection came about because of the server's certificate.
pub(super) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        // Both hide what they hold from whoever asks for the source.
        let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match (shared, held) {
            (Some(shared), _) => Some(&**shared),
            (None, Some(held)) => Some(held),
            (None, None) => error.source(),
        };
    }
    false
}
