import Testing

@testable import Storage

@Suite struct ThreadTests {
    @Test func `jobs run one at a time in their order, and finish waits for them`() {
        let thread = StorageThread(name: "ordered")
        let seen = Monitor<[Int]>([])
        for index in 0..<5_000 { thread.submit { seen.change { $0.append(index) } } }
        thread.finish()
        #expect(seen.change { $0 } == Array(0..<5_000))
        #expect(!thread.submit {}, "a finished thread takes no job")
    }

    @Test func `a result reaches its completion, an error too`() {
        let thread = StorageThread(name: "results")
        let seen = Monitor<[Result<Int, StorageError>]>([])
        let error = StorageError(.statement, operation: "x", object: "y", cause: "z")
        thread.submit({ () throws(StorageError) in 1 }) { result in seen.change { $0.append(result) } }
        thread.submit({ () throws(StorageError) -> Int in throw error }) { result in seen.change { $0.append(result) } }
        thread.finish()
        #expect(seen.change { $0 } == [.success(1), .failure(error)])
    }

    @Test func `a task waits for a job without blocking`() async throws {
        let thread = StorageThread(name: "async")
        #expect(try await thread.perform { () throws(StorageError) in 42 } == 42)
        thread.finish()
        await #expect(throws: StorageError.self) { try await thread.perform { () throws(StorageError) in 1 } }
    }
}

@Suite struct ConnectionPoolTests {
    @Test func `a pool never opens more than its size, and every caller gets a turn`() throws {
        let pool = ConnectionPool(TestServer.shared.target, size: 2)
        let seen = Monitor<Set<Int64>>([])
        let threads = (0..<4).map { StorageThread(name: "pool \($0)") }
        for thread in threads {
            for _ in 0..<10 {
                thread.submit {
                    let pid = try? pool.withConnection { (connection) throws(StorageError) in
                        try connection.row("SELECT pg_backend_pid()").int64(0)
                    }
                    seen.change { _ = $0.insert(pid ?? -1) }
                }
            }
        }
        for thread in threads { thread.finish() }
        let pids = seen.change { $0 }
        #expect((1...2).contains(pids.count) && !pids.contains(-1), "\(pids)")
    }

    @Test func `a connection that died while idle is replaced unnoticed`() throws {
        let pool = ConnectionPool(TestServer.shared.target, size: 2)
        func pid() throws -> Int64 {
            try pool.withConnection { (connection) throws(StorageError) in
                try connection.row("SELECT pg_backend_pid()").int64(0)
            }
        }
        let first = try pid()
        #expect(try pid() == first)
        try TestServer.connect().query("SELECT pg_terminate_backend($1, 10000)", [.int32(Int32(first))])
        #expect(try pid() != first)
    }

    @Test func `a connection left in a transaction is closed, a closed pool refuses`() throws {
        let pool = ConnectionPool(TestServer.shared.target, size: 1)
        try pool.withConnection { (connection) throws(StorageError) in try connection.script("BEGIN") }
        let isInside = try pool.withConnection { $0.isInTransaction }
        #expect(!isInside)
        pool.close()
        #expect(storageError { try pool.withConnection { _ in } }?.reason == .connectionLost)
    }
}
