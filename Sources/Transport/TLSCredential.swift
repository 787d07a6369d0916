internal import COpenSSL

/// A key and a self-signed certificate, made in memory for one process and gone with it.
///
/// TLS needs a certificate to hold both sides to one key during a handshake. It says nothing about who they are:
/// the HELLO frame above does, by signing the exporter of the channel. So the certificate carries no name that
/// means anything, and dates that are never checked.
final class TLSCredential {
    let key: OpaquePointer
    let certificate: OpaquePointer

    init() throws(TransportError) {
        guard let key = Self.makeKey() else { throw TLS.failure("make the TLS key") }
        guard let certificate = X509_new() else {
            EVP_PKEY_free(key)
            throw TLS.failure("make the TLS certificate")
        }
        self.key = key
        self.certificate = certificate
        guard Self.fill(certificate, key) else { throw TLS.failure("make the TLS certificate") }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    private static func makeKey() -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_keygen(context, &key) == 1 else { return nil }
        return key
    }

    private static func fill(_ certificate: OpaquePointer, _ key: OpaquePointer) -> Bool {
        let version3 = 2
        guard X509_set_version(certificate, version3) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 1) == 1,
            ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1,
            ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1,
            let name = X509_get_subject_name(certificate),
            X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, "shoal", -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1,
            X509_set_pubkey(certificate, key) == 1
        else { return false }
        return X509_sign(certificate, key, nil) > 0  // Ed25519 takes no digest
    }
}
