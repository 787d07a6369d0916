internal import Identity
internal import Peer
internal import Wire

/// Invariants 9, 10 and 17 from the sender's side: whoever sends what no correct node sends is cut off
/// as soon as that has arrived.
struct ShutOutCheck {
    private struct Breach {
        /// Bytes of the stream at whose end the breach is complete.
        let position: Int
        let what: String
    }
    private var breaches: [ConnectionNumber: Breach] = [:]

    mutating func expect(_ connection: ConnectionNumber, after position: Int, _ what: String) {
        guard breaches[connection] == nil else { return }
        breaches[connection] = Breach(position: position, what: what)
    }

    /// The connection ended, by whomever.
    mutating func ended(_ connection: ConnectionNumber) { breaches[connection] = nil }

    /// The node has handled this many bytes of the stream, and the connection is still open.
    func handled(_ connection: ConnectionNumber, through position: Int, at site: Int) throws(Violation) {
        guard let breach = breaches[connection], position >= breach.position else { return }
        throw Violation(
            breach.what.contains("HELLO") ? .helloFirst : .canonicalOnly,
            "site \(site) goes on talking on connection \(connection) after \(breach.what)")
    }
}
