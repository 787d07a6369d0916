internal import API
internal import Identity
internal import Terminal
internal import Wire

/// How a person names a site: its whole peer id, the first digits of it, or what people call it.
struct PeerSelection: Sendable, Equatable {
    /// As for questions: shoal consensus show.
    private static let fewestDigits = 4

    let text: String
    /// If it is a whole id: good for sites that nobody knows yet.
    var whole: PeerID? { PeerID(hex: text) }

    /// The one site that is meant.
    ///
    /// - Throws: a failure that names those that it may be, with what to write for each.
    func resolve(_ call: Invocation, at node: RunningNode) async throws -> PeerID {
        if let whole { return whole }
        let others = try await node.get("/api/peers").report([PeerReport].self)
        let own = try await node.get("/api/status").report(StatusReport.self)
        let known = [(own.peer, own.name)] + others.map { ($0.peer, $0.name) }
        // A name before digits, as people choose names that they type; and of one site the key that it has now.
        let former = Set(others.filter { $0.successor != nil }.map(\.peer))
        let named = known.filter { $0.1 == text && !former.contains($0.0) }
        let digits = text.lowercased()
        let isLong = digits.utf8.count >= Self.fewestDigits && digits.allSatisfy(\.isHexDigit)
        let found = named.isEmpty && isLong ? known.filter { $0.0.hasPrefix(digits) } : named
        guard let first = found.first, let peer = PeerID(hex: first.0) else {
            throw call.failure(
                printable(text), "no site that this one knows is called so, or begins so",
                remedy: "Give its name, or at least \(Self.fewestDigits) digits of its id: shoal peers list",
                exit: .refused)
        }
        guard found.count == 1 else {
            let all = found.map { "\(Self.shortest($0.0, among: known.map(\.0))) (\(printable($0.1)))" }
            throw call.failure(
                printable(text), "it is one of \(found.count) sites: \(all.joined(separator: ", "))",
                remedy: "Give more digits", exit: .refused)
        }
        return peer
    }

    /// As few digits as tell a site from the others, twelve if that is enough.
    private static func shortest(_ hex: String, among all: [String]) -> String {
        let count = (12...64).first { count in all.count { $0.hasPrefix(hex.prefix(count)) } == 1 }
        return String(hex.prefix(count ?? 64))
    }
}

extension ValueType where Value == PeerSelection {
    /// A peer id, the first digits of one, or a site's name.
    static var peerSelection: ValueType {
        ValueType(placeholder: "PEER", rule: "a site's name, or four digits of its peer id or more") {
            $0.isEmpty || $0.utf8.count > 256 ? nil : PeerSelection(text: $0)
        } show: {
            $0.text
        }
    }
}
