import Glibc
import Testing

@testable import Storage

/// One private PostgreSQL for all tests of this process; its supervisor ends it with the process.
enum TestServer {
    static let shared: PrivateServer = {
        do {
            let server = try PrivateServer(dataDirectory: directory("shared"))
            atexit {
                TestServer.shared.stop()
                Files.removeTree(TestServer.root)
            }
            return server
        } catch {
            fatalError("\(error)")
        }
    }()

    static let root = "/tmp/shoal-storage-tests-\(getpid())"

    /// A data directory of its own, not yet created.
    static func directory(_ name: String) -> String {
        mkdir(root, 0o755)
        return "\(root)/\(name)"
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
