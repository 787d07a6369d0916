internal import Wire

/// What is under way in one direction of one connection.
///
/// A pure value: the caller reads and writes the sockets, and passes the time and a random generator.
///
/// ```
/// read ─▶ take(bytes) ─▶ [ waits until due ] ─▶ next() = write ─▶ wrote(count)
/// ```
struct LinkPipe {
    /// What the caller does next.
    enum Step: Equatable {
        /// Write these bytes now, as many as the system takes.
        case write(ArraySlice<UInt8>)
        /// All has arrived and nothing follows: end the stream.
        case end
        /// Nothing until then, milliseconds.
        case wait(until: UInt64)
        /// Nothing until something is taken, or the link changes.
        case rest
    }

    private struct Part {
        var bytes: ArraySlice<UInt8>
        let due: UInt64
    }

    private var parts: [Part] = []
    /// The first part that has not arrived wholly.
    private var first = 0
    /// Bytes under way.
    private(set) var count = 0
    private(set) var arrived: UInt64 = 0
    /// The sender's stream has ended.
    private(set) var hasEnded = false
    /// When the line is free to carry the next byte, microseconds.
    private var freeMicros: UInt64 = 0
    /// The latest arrival so far: nothing overtakes.
    private var lastDue: UInt64 = 0
    /// A slice arrived; the next one does not before this.
    private var pausedUntil: UInt64 = 0

    /// Whether the sender's next bytes may be taken.
    func hasRoom(_ link: LinkConditions) -> Bool { !hasEnded && !link.isCut && count < link.capacity }

    mutating func take(_ bytes: [UInt8], now: UInt64, _ link: LinkConditions, _ random: inout Random) {
        var sent = now * 1_000
        if let speed = link.bytesPerSecond {
            freeMicros = max(freeMicros, sent) + UInt64(bytes.count) * 1_000_000 / UInt64(speed)
            sent = freeMicros
        }
        let jitter = link.jitterMs > 0 ? UInt64(random.below(link.jitterMs + 1)) : 0
        lastDue = max(lastDue, sent / 1_000 + UInt64(link.latencyMs) + jitter)
        parts.append(Part(bytes: bytes[...], due: lastDue))
        count += bytes.count
    }

    /// The sender sends nothing more; its end arrives after all its bytes.
    mutating func end() { hasEnded = true }

    /// - Parameter heldUntil: nothing arrives before this, whatever was due.
    func next(now: UInt64, _ link: LinkConditions, heldUntil: UInt64) -> Step {
        if link.isCut { return .rest }
        guard first < parts.count else { return hasEnded ? .end : .rest }
        let due = max(parts[first].due, pausedUntil, heldUntil)
        if due > now { return .wait(until: due) }
        return .write(parts[first].bytes.prefix(link.sliceBytes ?? .max))
    }

    mutating func wrote(_ written: Int, now: UInt64, _ link: LinkConditions) {
        parts[first].bytes = parts[first].bytes.dropFirst(written)
        count -= written
        arrived += UInt64(written)
        if link.sliceBytes != nil { pausedUntil = now + 1 }
        guard parts[first].bytes.isEmpty else { return }
        first += 1
        if first == parts.count {
            parts = []
            first = 0
        } else if first >= 64 {
            parts.removeFirst(first)
            first = 0
        }
    }
}
