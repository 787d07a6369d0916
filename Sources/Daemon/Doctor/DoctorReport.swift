/// What `shoal doctor` found, and what it did about it.
public struct DoctorReport: Codable, Sendable, Equatable {
    public struct Finding: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            /// Something is wrong and is still so.
            case fault
            /// Something was wrong.
            case repaired
            /// Worth knowing; the node deals with it.
            case note
        }
        public var kind: Kind
        /// `modes`, `ops`, `bodies`, `journal`, `digest`, `database`.
        public var part: String
        public var what: String
        /// What the operator does next; empty if nothing.
        public var remedy: String

        init(_ kind: Kind, _ part: String, _ what: String, remedy: String = "") {
            self.kind = kind
            self.part = part
            self.what = what
            self.remedy = remedy
        }
    }

    public var ops = 0
    public var bodies = 0
    public var findings: [Finding] = []
    /// The state that the stored sums lead to; nil if that could not be found out.
    public var storedDigest: String?
    /// The state that the ops alone lead to.
    public var calculatedDigest: String?
    /// Whether the tables that follow from the ops were emptied, to be written anew.
    public var wasRebuilt = false

    public var isWell: Bool { !findings.contains { $0.kind == .fault } }
}
