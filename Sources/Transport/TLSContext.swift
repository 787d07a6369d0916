internal import CShims
internal import COpenSSL
internal import Wire

/// What a node offers in a TLS handshake. Production uses the defaults; tests play other parties.
struct TLSProfile: Sendable {
    /// The ALPN protocol of this wire format.
    static let shoal = "shoal/1"

    var minVersion = TLS1_3_VERSION
    var maxVersion = TLS1_3_VERSION
    /// Offered through ALPN when dialing; nil: nothing.
    var offeredProtocol: String? = shoal
    var presentsCertificate = true
}

/// The TLS settings of one transport and the buffers its connections share.
final class TLSContext {
    /// One read of a socket.
    static let inputCapacity = 64 << 10
    /// One read, and the record that it completes.
    static let plainCapacity = 96 << 10
    /// Four rounds of records, and whatever OpenSSL adds of its own.
    static let outputCapacity = 160 << 10

    let context: OpaquePointer
    let io: UnsafeMutablePointer<shoal_tls_io>
    let input: UnsafeMutableRawBufferPointer
    let plain: UnsafeMutableRawBufferPointer
    /// Where small writes are put together.
    let record: UnsafeMutableRawBufferPointer
    private let credential: TLSCredential

    init(_ profile: TLSProfile) throws(TransportError) {
        credential = try TLSCredential()
        guard let context = SSL_CTX_new(TLS_method()) else { throw TLS.failure("set up TLS") }
        self.context = context
        input = .allocate(byteCount: Self.inputCapacity, alignment: 16)
        plain = .allocate(byteCount: Self.plainCapacity, alignment: 16)
        record = .allocate(byteCount: TLSStream.recordCapacity, alignment: 16)
        io = .allocate(capacity: 1)
        io.initialize(to: shoal_tls_io())
        io.pointee.output = .allocate(capacity: Self.outputCapacity)
        io.pointee.output_capacity = Self.outputCapacity
        guard configure(profile) else { throw TLS.failure("set up TLS") }
    }

    deinit {
        SSL_CTX_free(context)
        io.pointee.output.deallocate()
        io.deallocate()
        record.deallocate()
        plain.deallocate()
        input.deallocate()
    }

    /// Bytes that OpenSSL produced and the caller has not taken yet.
    var output: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: io.pointee.output, count: io.pointee.output_count)
    }

    func clearOutput() { io.pointee.output_count = 0 }

    private func configure(_ profile: TLSProfile) -> Bool {
        guard shoal_tls_configure(context, profile.minVersion, profile.maxVersion) == 1,
            SSL_CTX_set_ciphersuites(
                context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384") == 1
        else { return false }
        // Ask for a certificate, insist that the other side holds its key, and accept any.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
        SSL_CTX_set_alpn_select_cb(context, TLS.selectProtocol, nil)
        if let name = profile.offeredProtocol {
            let list = [UInt8(name.utf8.count)] + name.utf8
            guard SSL_CTX_set_alpn_protos(context, list, UInt32(list.count)) == 0 else { return false }
        }
        guard profile.presentsCertificate else { return true }
        return SSL_CTX_use_certificate(context, credential.certificate) == 1
            && SSL_CTX_use_PrivateKey(context, credential.key) == 1
    }
}

/// What OpenSSL's C interface makes awkward.
enum TLS {
    /// Takes the oldest error that OpenSSL recorded on this thread, and forgets the rest.
    static func takeError() -> (reason: Int32, text: String) {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return (0, "no reason given") }
        let text = ERR_reason_error_string(code).map { String(cString: $0) }
        return (ERR_GET_REASON(code), text ?? "error \(code)")
    }

    static func failure(_ operation: String) -> TransportError {
        let (reason, text) = takeError()
        return .system(operation: operation, code: reason, text: text)
    }

    /// Names what is wrong with the other side, as far as OpenSSL's reason tells.
    static func handshakeError() -> TransportError {
        let (reason, text) = takeError()
        return switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_RECORD_LENGTH_MISMATCH,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_BAD_RECORD_TYPE, SSL_R_UNEXPECTED_MESSAGE:
            .notTLS
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            .wrongTLSVersion
        case SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            .wrongProtocol
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            .noCertificate
        default:
            .handshakeFailed(reason: text)
        }
    }

    /// Names what is wrong on an open connection. An initiator is open before the acceptor has judged it.
    static func readingError() -> TransportError {
        let (reason, text) = takeError()
        return reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ? .noCertificate : .damaged(reason: text)
    }

    /// The acceptor's choice among the offered protocols: ours, or the end of the handshake.
    static let selectProtocol: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenCount, offered, offeredCount, _ in
        let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
        var at = 0
        while at < list.count {
            let name = (at + 1)..<(at + 1 + Int(list[at]))
            guard name.upperBound <= list.count else { break }
            if list[name].elementsEqual(TLSProfile.shoal.utf8) {
                chosen?.pointee = offered.map { $0 + name.lowerBound }
                chosenCount?.pointee = UInt8(name.count)
                return SSL_TLSEXT_ERR_OK
            }
            at = name.upperBound
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}
