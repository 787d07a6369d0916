public import Identity
public import Wire

extension Replica {
    /// What became of an op that came from outside.
    public enum Offer: Sendable, Equatable {
        /// It is in the pool, or ready.
        case accepted(OpID)
        /// It was already here.
        case known(OpID)
        /// It stands beyond a proven fork, and nothing here builds on it.
        case retracted(OpID)
        /// Another op stands at its place in the log: two valid signatures prove the fork.
        case fork(held: OpID, offered: OpID)
        /// Its log does not continue at its place with its `prev`.
        case brokenChain(OpID)
        /// The sender has too many ops waiting.
        case poolFull(OpID)
    }

    /// An op whose causal past is applied and whose body is here.
    public struct Ready: Sendable, Equatable {
        public let op: Op
        public let body: Bytes
        /// Who sent it first; nil for the node's own.
        public let sender: PeerID?
        /// It stands beyond a proven fork. Its body may be missing, then it is empty here.
        public let isRetracted: Bool

        public init(op: Op, body: Bytes, sender: PeerID?, isRetracted: Bool = false) {
            self.op = op
            self.body = body
            self.sender = sender
            self.isRetracted = isRetracted
        }
    }

    /// Where a missing body is wanted for.
    public struct WantedBody: Sendable, Equatable {
        public let op: OpID
        public let hash: Hash32
        public let length: Int
        public let sender: PeerID?
        public let key: LogKey
        public let seq: UInt64

        public init(op: OpID, hash: Hash32, length: Int, sender: PeerID?, key: LogKey, seq: UInt64) {
            self.op = op
            self.hash = hash
            self.length = length
            self.sender = sender
            self.key = key
            self.seq = seq
        }
    }
}
