internal import Identity
public import Wire

/// What a token stands for; the byte goes into its id.
public enum TokenKind: UInt8, Sendable, CaseIterable {
    case node = 0
    case relation = 1
    case inverseRelation = 2
    /// A step along the tree of the graph; no importer makes names of this kind.
    case structure = 3
}

/// The two tokens of one relation: read from head to tail, and from tail to head.
public struct RelationTokens: Hashable, Sendable {
    public let forward: TokenID
    public let inverse: TokenID

    public init(forward: TokenID, inverse: TokenID) {
        self.forward = forward
        self.inverse = inverse
    }
}

/// The secret of a network from which all token ids follow (design §4).
///
/// ```
/// id = BLAKE2b-128(key, kind byte || canonical name in UTF-8)
/// ```
///
/// Two sites that know the same name get the same id without talking; an outsider, who lacks the key,
/// cannot test whether a name is in use. The key never appears in a description or a dump.
public struct VocabularyKey: Sendable, Equatable {
    public static let byteCount = 32

    /// The secret itself, for the `.network` file alone.
    public let secretBytes: Bytes

    public init(_ bytes: some Collection<UInt8>) throws(GraphError) {
        guard bytes.count == Self.byteCount else { throw .vocabularyKeySize(bytes.count) }
        secretBytes = Bytes(bytes)
    }

    /// The id of `name` as a token of `kind`.
    ///
    /// - Throws: ``GraphError/name(_:)`` unless `name` is a canonical name.
    public func token(_ kind: TokenKind, named name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let fault = CanonicalName.fault(in: name) { throw .name(fault) }
        return hash(kind, name)
    }

    public func token(_ kind: TokenKind, named name: String) throws(GraphError) -> TokenID {
        try token(kind, named: Bytes(name.utf8)[...])
    }

    /// Both tokens of the relation `name`.
    public func relation(named name: ArraySlice<UInt8>) throws(GraphError) -> RelationTokens {
        if let fault = CanonicalName.fault(in: name) { throw .name(fault) }
        return RelationTokens(forward: hash(.relation, name), inverse: hash(.inverseRelation, name))
    }

    public func relation(named name: String) throws(GraphError) -> RelationTokens {
        try relation(named: Bytes(name.utf8)[...])
    }

    /// The two tokens of the tree: forward from a graph node to its parent, inverse from a parent to its child.
    ///
    /// They are of a kind of their own, so that no relation of a file can be mistaken for them.
    public var parentTokens: RelationTokens {
        RelationTokens(
            forward: hash(.structure, Bytes("parent".utf8)[...]), inverse: hash(.structure, Bytes("child".utf8)[...]))
    }

    private func hash(_ kind: TokenKind, _ name: ArraySlice<UInt8>) -> TokenID {
        TokenID(rawValue: blake2b128(key: secretBytes, [kind.rawValue] + name))
    }
}

extension VocabularyKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "VocabularyKey(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
