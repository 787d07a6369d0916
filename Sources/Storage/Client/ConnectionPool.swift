/// A few connections to one target, for several threads. A caller blocks until one is free.
public final class ConnectionPool: Sendable {
    private struct State {
        var idle: [Connection] = []
        var open = 0
        var isClosed = false
    }
    private let state = Monitor(State())
    public let target: DatabaseTarget
    public let size: Int

    /// - Parameter size: how many connections at most. The private server takes about 20 in all.
    public init(_ target: DatabaseTarget, size: Int = 4) {
        precondition(size >= 1, "a pool has a connection")
        self.target = target
        self.size = size
    }

    /// Lends a connection to `body`. One that lost its server, or comes back inside a
    /// transaction, is closed; the next caller gets a new one.
    public func withConnection<Success>(
        _ body: (Connection) throws(StorageError) -> Success
    ) throws(StorageError) -> Success {
        let connection = try take()
        defer { give(connection) }
        return try body(connection)
    }

    /// Closes idle connections now and the others when they come back; later callers get an error.
    public func close() {
        state.change { state in
            state.isClosed = true
            state.open -= state.idle.count
            state.idle = []
        }
    }

    private enum Turn {
        case reuse(Connection)
        case open
        case closed
    }

    private func take() throws(StorageError) -> Connection {
        let size = size
        let turn: Turn = state.wait { state in
            if state.isClosed { return .closed }
            // The server may have been restarted since a connection came back.
            while let connection = state.idle.popLast() {
                if connection.isAlive { return .reuse(connection) }
                state.open -= 1
            }
            guard state.open < size else { return nil }
            state.open += 1
            return .open
        }
        switch turn {
        case .reuse(let connection): return connection
        case .closed:
            throw StorageError(
                .connectionLost, operation: "use", object: target.description, cause: "the pool is closed")
        case .open:
            do {
                return try Connection(target)
            } catch {
                state.change { $0.open -= 1 }
                throw error
            }
        }
    }

    private func give(_ connection: Connection) {
        state.change { state in
            if connection.isOpen && !connection.isInTransaction && !state.isClosed {
                state.idle.append(connection)
            } else {
                state.open -= 1
                // When the server went away, it did so for the idle ones as well.
                if !connection.isOpen {
                    state.open -= state.idle.count
                    state.idle = []
                }
            }
        }
    }
}
