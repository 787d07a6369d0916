public import Wire

/// A COSE_Sign1 message (RFC 9052 §4.2) with the one header shoal uses: Ed25519, alg -19 (RFC 9864).
///
/// ```
/// 18([ << {1: -19} >>, {}, payload: bstr, signature: bstr .size 64 ])
/// ```
public struct COSESign1: Sendable, Equatable {
    public let payload: Bytes
    public let signature: Bytes

    /// `<< {1: -19} >>`, the only protected header there is.
    static let protectedHeader: Bytes = [0xA1, 0x01, 0x32]

    /// The bytes that are signed (RFC 9052 §4.4): `["Signature1", protected, external_aad, payload]`.
    public static func sigStructure(payload: Bytes, externalAAD: Bytes) -> Bytes {
        var encoder = CBOREncoder(reserving: payload.count + externalAAD.count + 32)
        encoder.array(4)
        encoder.text("Signature1")
        encoder.bytes(protectedHeader)
        encoder.bytes(externalAAD)
        encoder.bytes(payload)
        return encoder.bytes
    }

    public init(signing payload: Bytes, externalAAD: Bytes, with key: KeyPair) {
        self.payload = payload
        signature = key.sign(Self.sigStructure(payload: payload, externalAAD: externalAAD))
    }

    /// Reads the canonical form only; the signature is not checked here.
    public init(decoding bytes: Bytes, maxPayload: Int) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.tag(18)
        try decoder.array(exactly: 4)
        let start = decoder.position
        guard try decoder.bytes(max: 16) == Self.protectedHeader else {
            throw .unexpected(at: start, wanted: "the protected header {1: -19}")
        }
        try decoder.map(exactly: 0)
        payload = try decoder.bytes(max: maxPayload)
        signature = try decoder.bytes(exactly: 64)
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: payload.count + 80)
        encoder.tag(18)
        encoder.array(4)
        encoder.bytes(Self.protectedHeader)
        encoder.map(0)
        encoder.bytes(payload)
        encoder.bytes(signature)
        return encoder.bytes
    }

    public func isSigned(by author: PeerID, externalAAD: Bytes) -> Bool {
        verify(signature, of: Self.sigStructure(payload: payload, externalAAD: externalAAD), by: author)
    }
}
