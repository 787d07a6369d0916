import Testing
import Wire

@testable import Storage

@Suite struct SchemaLeaseTests {
    private func lease(
        _ schema: String, _ holder: String, _ nonce: UInt8,
        onLost: @escaping @Sendable (StorageError) -> Void = { _ in }
    ) throws -> SchemaLease {
        try SchemaLease(TestServer.shared.target, schema: schema, holder: holder, nonce: [nonce], onLost: onLost)
    }

    private func expire(_ schema: String, in interval: String, _ connection: Connection) throws {
        try connection.script("UPDATE \"\(schema)\".lease SET expires_at = clock_timestamp() + interval '\(interval)'")
    }

    @Test func `a second node is refused and told who is there`() throws {
        let (_, schema) = try TestServer.freshSchema()
        let first = try lease(schema, "north", 1)
        let error = try #require(storageError { try lease(schema, "south", 2) })
        #expect(error.reason == .inUse)
        #expect(error.cause.contains("node north holds it"))
        first.release()
        try lease(schema, "south", 2).release()
    }

    @Test func `a node waits for the lease that it held before a crash`() throws {
        let (connection, schema) = try TestServer.freshSchema()
        let crashed = try lease(schema, "north", 1)
        try expire(schema, in: "200 milliseconds", connection)
        let next = try lease(schema, "north", 2)
        try connection.transaction { (connection) throws(StorageError) in try next.check(connection) }
        #expect(storageError { try crashed.check(connection) }?.reason == .inUse)
        crashed.release()
        try next.check(connection)
        next.release()
    }

    @Test func `an expired lease passes on, and its old holder can no longer write`() throws {
        let (connection, schema) = try TestServer.freshSchema()
        let old = try lease(schema, "north", 1)
        try old.check(connection)
        try expire(schema, in: "-1 second", connection)
        let new = try lease(schema, "south", 2)
        #expect(storageError { try old.check(connection) }?.reason == .inUse)
        try new.check(connection)
        old.release()
        try new.check(connection)
        new.release()
        #expect(storageError { try new.check(connection) }?.cause == "its lease was given up")
    }
}
