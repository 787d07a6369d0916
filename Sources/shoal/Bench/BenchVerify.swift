internal import Consensus
internal import Identity
internal import Membership
internal import Terminal
internal import Wire

/// `shoal bench verify`: how fast one core checks certificates, beside the bare signature checks they consist of.
enum BenchVerify {
    private static let members = Option("members", .integer(1...1_000), default: 7, "voting members")
    private static let seconds = Option("seconds", .number(0.1...3_600), default: 2, "how long to measure each")

    static let command = Command(
        "verify", summary: "measure checking certificates, beside bare signature checks",
        discussion: """
            A certificate is decoded and checked as a receiver does: a signature check a vote, so no faster than those \
            divided by the quorum. Both are measured in turns in this process, on one core.
            """,
        options: [members, seconds],
        examples: [
            .init("shoal bench verify", "seven members, a quorum of five"),
            .init("shoal bench verify --members 64 --json", "for a program"),
        ], run: run)

    /// What `--json` prints.
    struct Report: Encodable {
        var signaturesPerSecond = 0.0
        var certificatesPerSecond = 0.0
        /// Of signatures per second divided by the quorum.
        var shareOfBare = 0.0
        var members = 0
        var quorum = 0
        var bytes = 0
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let report = try measure(members: call[members], seconds: call[seconds])
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            var values = KeyValues()
            values.add("signature checks", "\(Format.fixed(report.signaturesPerSecond, 0)) a second")
            values.add("certificate checks", "\(Format.fixed(report.certificatesPerSecond, 0)) a second")
            values.add("of what the signatures cost", Format.fixed(report.shareOfBare, 3))
            values.add("quorum", "\(report.quorum) of \(report.members)")
            values.add("a certificate", "\(report.bytes) bytes")
            call.console.print(values)
        }
        return .done
    }

    private static func measure(members count: Int, seconds: Double) throws -> Report {
        let keys = (0..<count).map { _ in KeyPair.generate() }.sorted { $0.peerID < $1.peerID }
        let electorate = Electorate(keys.map(\.peerID))
        let network = NetworkID(secureRandomBytes(32))!
        let question = Question(
            kind: .finality, owner: keys[0].peerID, fields: Bytes(repeating: 0, count: 80), electorate: .zero)
        let quorum = electorate.quorum(without: nil)
        let ballot = Ballot(question: question.id(in: network), round: 0, phase: .commit, value: Value.yes.hash)
        let signatures = keys.prefix(quorum).enumerated().map { index, key in
            Certificate.Signature(elector: index, signature: ballot.sign(in: network, with: key))
        }
        let certificate = Certificate(question: question, value: .yes, round: 0, signatures: signatures).encode()
        let message = ballot.signedBytes(in: network)
        var checked = (signatures: 0, certificates: 0)
        var spent = (signatures: Duration.zero, certificates: Duration.zero)
        // In turns, so that whatever slows the machine slows both.
        while spent.certificates / .seconds(1) < seconds {
            let start = ContinuousClock.now
            for _ in 0..<10 {
                for (key, entry) in zip(keys, signatures) {
                    guard verify(entry.signature, of: message, by: key.peerID) else { throw Wrong() }
                }
            }
            let middle = ContinuousClock.now
            for _ in 0..<10 { try Certificate(decoding: certificate).check(by: electorate, in: network) }
            let end = ContinuousClock.now
            spent.signatures += start.duration(to: middle)
            spent.certificates += middle.duration(to: end)
            checked.signatures += 10 * quorum
            checked.certificates += 10
        }
        let bare = Double(checked.signatures) / (spent.signatures / .seconds(1))
        let whole = Double(checked.certificates) / (spent.certificates / .seconds(1))
        return Report(
            signaturesPerSecond: bare, certificatesPerSecond: whole, shareOfBare: whole * Double(quorum) / bare,
            members: count, quorum: quorum, bytes: certificate.count)
    }

    private struct Wrong: Error {}
}
