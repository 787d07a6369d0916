public import Wire

/// A triple by names, as a file has it. The slices share the memory of the chunk that was read.
public struct NamedTriple: Sendable, Equatable {
    public let head: ArraySlice<UInt8>
    public let relation: ArraySlice<UInt8>
    public let tail: ArraySlice<UInt8>
    /// Where it stands in its file, from 1.
    public let line: Int

    public init(
        head: ArraySlice<UInt8>, relation: ArraySlice<UInt8>, tail: ArraySlice<UInt8>, line: Int
    ) {
        self.head = head
        self.relation = relation
        self.tail = tail
        self.line = line
    }
}

/// A triple by ids, the same at every site. `relation` is the forward token.
public struct TokenTriple: Hashable, Sendable {
    public let head: TokenID
    public let relation: TokenID
    public let tail: TokenID

    public init(head: TokenID, relation: TokenID, tail: TokenID) {
        self.head = head
        self.relation = relation
        self.tail = tail
    }
}

/// A triple by token indices of one ``LocalVocabulary``; `relation` is the index of the forward token.
public struct IndexTriple: Hashable, Sendable {
    public let head: Int32
    public let relation: Int32
    public let tail: Int32

    public init(head: Int32, relation: Int32, tail: Int32) {
        self.head = head
        self.relation = relation
        self.tail = tail
    }
}

/// A graph node below another, by ids.
public struct ParentLink: Hashable, Sendable {
    public let child: TokenID
    public let parent: TokenID
    /// The order among the children of one parent, ascending; equal positions are ordered by id.
    public let position: Int32

    public init(child: TokenID, parent: TokenID, position: Int32) {
        self.child = child
        self.parent = parent
        self.position = position
    }
}
