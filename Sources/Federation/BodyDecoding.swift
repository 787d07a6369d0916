internal import Wire

/// Every body of this room is an array whose first item is the version of the fold.
///
/// - Returns: a decoder that stands behind the version.
func openBody(_ kind: BodyKind, _ body: Bytes, items: Int) throws(FederationError) -> CBORDecoder {
    var decoder = CBORDecoder(body)
    let (found, version) = try reading(kind) { () throws(CBORError) in
        (try decoder.array(max: 64), try decoder.uint())
    }
    guard version == ModelSpec.foldVersion else { throw .unknownVersion(body: kind, version: version) }
    guard found == items else {
        throw .malformed(body: kind, .outOfRange(at: 0, what: "\(found) items, not \(items)"))
    }
    return decoder
}

/// Runs `read` and says which body a syntax error belongs to.
func reading<Value>(
    _ kind: BodyKind, _ read: () throws(CBORError) -> Value
) throws(FederationError) -> Value {
    do { return try read() } catch { throw .malformed(body: kind, error) }
}
