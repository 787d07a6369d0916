internal import Wire

extension TrainerSchedule.Standing {
    /// `[1, wanted or null, rounds, adapts, failures, best or null, edges, sum, courses]`
    var bytes: Bytes {
        var encoder = CBOREncoder()
        encoder.array(9)
        encoder.uint(1)
        if let wanted { encoder.text(wanted.rawValue) } else { encoder.null() }
        encoder.uint(UInt64(rounds))
        encoder.bool(wantsAdapting)
        encoder.uint(UInt64(failures))
        if let best { encoder.uint(best.bitPattern) } else { encoder.null() }
        encoder.uint(UInt64(trained.edges))
        encoder.uint(trained.sum)
        encoder.uint(courses)
        return encoder.bytes
    }

    init(bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 9)
        _ = try decoder.uint(max: 1)
        if try !decoder.null() {
            let name = try decoder.text(max: 16)
            guard let work = TrainerSchedule.Work(rawValue: name) else {
                throw .outOfRange(at: 0, what: "the work '\(name)'")
            }
            wanted = work
        }
        rounds = try decoder.count(max: 1 << 20)
        wantsAdapting = try decoder.bool()
        failures = try decoder.count(max: 1 << 20)
        if try !decoder.null() { best = Double(bitPattern: try decoder.uint()) }
        trained = GraphPrint(edges: try decoder.count(max: .max), sum: try decoder.uint())
        courses = try decoder.uint()
        try decoder.end()
    }
}
