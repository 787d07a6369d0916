internal import Consensus
internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// What goes into the trace of a run.
extension World {
    mutating func record(_ event: Event, at site: Int) {
        let place = UInt64(site)
        switch event {
        case .wake: trace.record(1, now, place) { "\(now) site \(site): wake" }
        case .opened(let number, let role, _, _):
            trace.record(2, now, place, number) { "\(now) site \(site): opened \(number) as \(role)" }
        case .received(let number, let bytes):
            trace.record(3, now, place, number, bytes: bytes) {
                "\(now) site \(site): received \(bytes.count) bytes on \(number)"
            }
        case .closed(let number): trace.record(4, now, place, number) { "\(now) site \(site): closed \(number)" }
        case .dialFailed(let dial): trace.record(5, now, place, dial) { "\(now) site \(site): dial \(dial) failed" }
        case .submit(let ticket, let kind, let body):
            trace.record(6, now, place, ticket, bytes: body) {
                "\(now) site \(site): submit \(kind.name), \(body.count) bytes, ticket \(ticket)"
            }
        case .persisted(let number): trace.record(7, now, place, number) { "\(now) site \(site): persisted \(number)" }
        case .persistFailed(let why): trace.record(8, now, place) { "\(now) site \(site): write failed: \(why)" }
        case .snapshotWritten: trace.record(9, now, place) { "\(now) site \(site): snapshot written" }
        case .opsLoaded(let request, let envelopes):
            trace.record(10, now, place, request, UInt64(envelopes.count)) {
                "\(now) site \(site): loaded \(envelopes.count) ops"
            }
        case .bodyLoaded(let request, let body):
            trace.record(11, now, place, request, UInt64(body?.count ?? 0)) {
                "\(now) site \(site): loaded a body of \(body?.count ?? 0) bytes"
            }
        case .measured(let id, let numbers):
            trace.record(13, now, place, UInt64(numbers?.count ?? 0), bytes: id.bytes) {
                "\(now) site \(site): measured \(id.short): \(numbers.map { "\($0)" } ?? "abstains")"
            }
        case .pinned(let sums):
            trace.record(17, now, place, UInt64(sums.count)) { "\(now) site \(site): pinned \(sums.count)" }
        case .drop(let sums):
            trace.record(18, now, place, sums.block.through) {
                "\(now) site \(site): may drop up to \(sums.block.through)"
            }
        case .summed(let block, let sums):
            trace.record(16, now, place, block.after, block.through, sums?.byteCount ?? 0) {
                "\(now) site \(site): \(block.key.author.short) \(block.after)-\(block.through) comes to \(sums?.byteCount ?? 0) bytes"
            }
        case .affirm(let proposition):
            trace.record(14, now, place) { "\(now) site \(site): agrees to \(proposition)" }
        case .joinAnswered(let number, let answer):
            trace.record(15, now, place, number) { "\(now) site \(site): ticket on \(number): \(answer)" }
        case .contactAdded(let contact):
            trace.record(12, now, place) { "\(now) site \(site): contact \(contact.name)" }
        }
    }

    mutating func record(_ effect: Effect, at site: Int) {
        let place = UInt64(site)
        switch effect {
        case .wake(let at): trace.record(20, place, at.milliseconds) { "    wake at \(at.milliseconds)" }
        case .dial(let peer, _, let dial): trace.record(21, place, dial) { "    dial \(peer.short)" }
        case .write(let number, let bytes):
            trace.record(22, place, number, bytes: bytes) { "    write \(Self.describe(bytes)) on \(number)" }
        case .authenticated(let number): trace.record(31, place, number) { "    authenticated \(number)" }
        case .close(let number): trace.record(23, place, number) { "    close \(number)" }
        case .persist(let batch):
            trace.record(24, place, batch.number, bytes: batch.ops.last?.op.id.bytes ?? []) {
                "    persist \(batch.number): "
                    + batch.ops.map { "\($0.op.id.short) \($0.op.header.kind.name)" }.joined(separator: ", ")
            }
        case .writeSnapshot(let snapshot):
            trace.record(25, place, snapshot.watermark, UInt64(snapshot.models.count)) {
                "    snapshot at \(snapshot.watermark)"
            }
        case .loadOps(let request, let ranges):
            trace.record(26, place, request) { "    load \(ranges.map { "\($0.from)-\($0.through)" })" }
        case .loadBody(let request, let hash): trace.record(27, place, request) { "    load body \(hash.short)" }
        case .submitted(let ticket, let result):
            trace.record(28, place, ticket) { "    ticket \(ticket): \(result)" }
        case .applied(let ops):
            trace.record(29, place, UInt64(ops.count)) { "    applied \(ops.map(\.id.short))" }
        case .measure(let id, let question):
            trace.record(32, place, question.kind.rawValue, bytes: id.bytes) {
                "    measure \(question.kind.name) \(id.short)"
            }
        case .keepPart(_, let part, let bytes):
            trace.record(35, place, UInt64(part), UInt64(bytes.count)) { "    keep part \(part), \(bytes.count) bytes" }
        case .pin(let sums, _): trace.record(36, place, UInt64(sums.count)) { "    pin \(sums.count)" }
        case .drop(let sums): trace.record(37, place, sums.block.through) { "    drop up to \(sums.block.through)" }
        case .sum(let block):
            trace.record(34, place, block.after, block.through) { "    sum \(block.after)-\(block.through)" }
        case .join(let number, let peer, _):
            trace.record(33, place, number) { "    join of \(peer.short) on \(number)" }
        case .notice(let notice): trace.record(30, place) { "    \(notice)" }
        }
    }

    /// The frame's type and length, since a node writes whole frames.
    private static func describe(_ frame: Bytes) -> String {
        let names = [
            1: "HELLO", 2: "PING", 3: "PONG", 4: "OPS", 5: "IHAVE", 6: "IWANT", 7: "GRAFT", 8: "PRUNE", 9: "FRONTIER",
            10: "PULL",
            11: "BLOB_WANT", 12: "BLOB", 13: "BLOB_NONE", 14: "EQUIVOCATION", 19: "PEERS", 20: "JOIN", 21: "CREDIT",
            22: "BYE", 23: "RECONCILE",
        ]
        guard frame.count > 4 else { return "\(frame.count) bytes" }
        return "\(names[Int(frame[4])] ?? "?") (\(frame.count) bytes)"
    }
}
