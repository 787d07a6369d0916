internal import CShims
internal import COpenSSL
internal import Wire

/// The TLS state of one connection, without its socket.
///
/// Whatever a call produces for the socket is in ``TLSContext/output`` when the call returns, and must be taken
/// from there before any other stream of the same context is used.
final class TLSStream {
    /// The most plaintext of one record (RFC 8446 §5.1).
    static let recordCapacity = 16_384
    /// Room that one record and a key update surely fit in.
    static let recordRoom = recordCapacity + 512
    private static let exporterLabel = "EXPORTER-shoal-hello/1"
    private static let exporterCount = 32

    enum Handshake {
        case needsMore
        case done(exporter: Bytes)
        case failed(TransportError)
    }

    /// So many bytes were decrypted, and why not more.
    struct Reading {
        enum End {
            case bufferFull
            case needsMore
            /// The other side said goodbye.
            case goodbye
            case failed(TransportError)
        }
        var count: Int
        var end: End
    }

    private let ssl: OpaquePointer
    private let context: TLSContext
    private let recordsPerKey: Int
    private var recordsLeft: Int

    init(_ context: TLSContext, role: ConnectionRole, recordsPerKey: Int) throws(TransportError) {
        guard let ssl = SSL_new(context.context) else { throw TLS.failure("begin a TLS connection") }
        guard shoal_tls_attach(ssl, context.io) == 1 else {
            SSL_free(ssl)
            throw TLS.failure("begin a TLS connection")
        }
        self.ssl = ssl
        self.context = context
        self.recordsPerKey = recordsPerKey
        recordsLeft = recordsPerKey
        switch role {
        case .initiator: SSL_set_connect_state(ssl)
        case .acceptor: SSL_set_accept_state(ssl)
        }
    }

    deinit { SSL_free(ssl) }

    /// Offers received bytes to the next calls. They must be read until `needsMore`, and stay where they are.
    func offer(_ bytes: UnsafeRawBufferPointer) {
        context.io.pointee.input = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        context.io.pointee.input_count = bytes.count
    }

    /// Forgets offered bytes: no other stream may see them.
    func withdraw() { context.io.pointee.input_count = 0 }

    func handshake() -> Handshake {
        ERR_clear_error()
        let status = SSL_do_handshake(ssl)
        if status == 1 { return checked() }
        return SSL_get_error(ssl, status) == SSL_ERROR_WANT_READ ? .needsMore : .failed(TLS.handshakeError())
    }

    /// What OpenSSL lets pass: an initiator that offers no protocol at all.
    private func checked() -> Handshake {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        guard UnsafeBufferPointer(start: name, count: Int(count)).elementsEqual(TLSProfile.shoal.utf8) else {
            return .failed(.wrongProtocol)
        }
        var exporter = Bytes(repeating: 0, count: Self.exporterCount)
        let label = Self.exporterLabel
        guard SSL_export_keying_material(ssl, &exporter, exporter.count, label, label.utf8.count, nil, 0, 0) == 1
        else { return .failed(TLS.handshakeError()) }
        return .done(exporter: exporter)
    }

    /// Decrypts into `buffer` (not empty) as much as fits.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        var count = 0
        while count < buffer.count {
            ERR_clear_error()
            let status = SSL_read(ssl, buffer.baseAddress! + count, Int32(buffer.count - count))
            if status > 0 {
                count += Int(status)
                continue
            }
            switch SSL_get_error(ssl, status) {
            case SSL_ERROR_WANT_READ: return Reading(count: count, end: .needsMore)
            case SSL_ERROR_ZERO_RETURN: return Reading(count: count, end: .goodbye)
            default: return Reading(count: count, end: .failed(TLS.readingError()))
            }
        }
        return Reading(count: count, end: .bufferFull)
    }

    /// Encrypts at most one record of plaintext; the output must have ``recordRoom``.
    func write(_ bytes: UnsafeRawBufferPointer) -> TransportError? {
        precondition(!bytes.isEmpty && bytes.count <= Self.recordCapacity)
        ERR_clear_error()
        if recordsLeft == 0 {
            SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
            recordsLeft = recordsPerKey
        }
        recordsLeft -= 1
        let status = SSL_write(ssl, bytes.baseAddress, Int32(bytes.count))
        return status == Int32(bytes.count) ? nil : .damaged(reason: TLS.takeError().text)
    }

    /// Says goodbye: nothing can be written afterwards.
    func shutdown() {
        ERR_clear_error()
        SSL_shutdown(ssl)
    }
}
