internal import CSodium
public import Wire

/// The id of the op whose Sig_structure this is (protocol §3).
///
/// ```
/// op_id = BLAKE2b-256("shoal/opid/1" || Sig_structure)      unkeyed, plain concatenation
/// ```
/// Unlike ``blake2b256(domain:_:)`` nothing is length-prefixed: any BLAKE2b library finds the id
/// from the protocol page alone. The first byte after the text is always 0x84, an array of four.
public func opID(sigStructure: Bytes) -> OpID {
    ensureSodium()
    let message = Bytes("shoal/opid/1".utf8) + sigStructure
    var digest = Bytes(repeating: 0, count: 32)
    crypto_generichash(&digest, 32, message, UInt64(message.count), nil, 0)
    return OpID(digest)!
}
