public import Wire

/// Reads a whole triple file for its faults alone: what an import would refuse, up to a limit.
public struct TripleCheck: Sendable {
    /// How many faults are kept; the file is read to its end all the same.
    public let limit: Int
    /// Well-formed triples so far.
    public private(set) var tripleCount = 0
    /// Faulty lines so far.
    public private(set) var faultCount = 0
    /// The first ``limit`` faults, in the order of the file.
    public private(set) var faults: [TripleFault] = []
    private var reader = TripleReader()

    public init(limit: Int = 20) {
        self.limit = limit
    }

    public mutating func feed(_ bytes: Bytes) {
        reader.feed(bytes)
        drain()
    }

    public mutating func finish() {
        reader.finish()
        drain()
    }

    private mutating func drain() {
        while true {
            do throws(GraphError) {
                guard try reader.next() != nil else { return }
                tripleCount += 1
            } catch .malformed(let fault) {
                faultCount += 1
                if faults.count < limit { faults.append(fault) }
            } catch {
                preconditionFailure("a reader throws nothing else: \(error)")
            }
        }
    }
}
