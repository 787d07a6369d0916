import Glibc
import Testing

@testable import Storage

/// One private PostgreSQL for all tests of this process; its supervisor ends it with the process.
enum TestServer {
    static let shared: PrivateServer = {
        do {
            let server = try PrivateServer(dataDirectory: directory("shared"))
            started.change { $0 = server }
            return server
        } catch {
            fatalError("\(error)")
        }
    }()

    private static let started = Monitor<PrivateServer?>(nil)

    static let root: String = {
        let path = "/tmp/shoal-storage-tests-\(getpid())"
        mkdir(path, 0o755)
        chmod(path, 0o755)
        atexit {
            TestServer.started.change { $0 }?.stop()
            Files.removeTree("/tmp/shoal-storage-tests-\(getpid())")
        }
        return path
    }()

    /// A data directory of its own, not yet created.
    static func directory(_ name: String) -> String {
        "\(root)/\(name)"
    }

    static func connect() throws -> Connection {
        try Connection(shared.target)
    }
}

/// Runs `body` and returns the storage error that it throws.
func storageError<T>(_ body: () throws -> T) -> StorageError? {
    do {
        _ = try body()
        return nil
    } catch let error as StorageError {
        return error
    } catch {
        return nil
    }
}

extension TestServer {
    private static let schemas = Monitor(0)

    /// A connection, and the name of a schema of its own with all migrations.
    static func freshSchema() throws -> (Connection, String) {
        let connection = try connect()
        let schema = try Schema(name: unusedSchema())
        try schema.migrate(connection)
        return (connection, schema.name)
    }

    /// A schema name that no other test uses; nothing is created.
    static func unusedSchema() -> String {
        schemas.change { count in
            count += 1
            return "test_\(count)"
        }
    }
}
