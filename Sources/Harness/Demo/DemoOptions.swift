/// What `shoal demo` is told.
public struct DemoOptions: Sendable {
    /// A folder with one sub-folder a site; the bundled three hospitals if nil.
    public var data: String?
    /// Only the first few sites of it.
    public var sites: Int?
    /// Where the network lives, and stays; a temporary directory that is removed at the end if nil.
    public var directory: String?
    /// Ends when all is learned and shown; else the network runs on until Ctrl-C.
    public var exits = false
    /// One JSON object on the output; what people read goes to the errors stream.
    public var json = false
    /// Also trains one model on all sites' triples together, for comparison.
    public var pooled = true
    /// Training rounds, each one op a site; the standard recipe's if nil.
    public var rounds: Int?
    /// Steps per round.
    public var steps: Int?
    public var seed: Int?
    /// Width of the model.
    public var dim = 64
    /// The `shoal` binary that the nodes run; this program's own if nil.
    public var binary: String?
    /// How this program was called, for the commands that are suggested at the end.
    public var command = "shoal"

    public init() {}
}
