internal import API
internal import Glibc
internal import Site
internal import Terminal

/// The running node of a site, as its commands talk to it: over the Unix socket that its lock file names.
struct RunningNode: Sendable {
    let site: String
    private let command: String
    private let startCommand: String
    private let client: HTTPClient

    /// Finds the node's socket. Whether it answers is seen with the first call.
    ///
    /// - Throws: exit code 3 when the site's node is not running.
    init(_ call: Invocation) throws {
        let path = try SiteSelection(call).path
        guard Paths.isDirectory(path) else {
            throw call.failure(
                path, "there is no such data directory", remedy: SiteSelection.remedy(call), exit: .unreachable)
        }
        let directory = try DataDirectory(finding: path)
        site = (try? SiteConfig.load(directory.configPath).name.text) ?? Paths.name(of: directory.path)
        command = call.command
        startCommand = "shoal run\(SiteSelection.words(call))"
        let holder = try DataLock.holder(of: directory)
        let isAlive = holder.map { kill($0.pid, 0) == 0 || errno == EPERM } ?? false
        guard let holder, isAlive else { throw Self.notRunning(site, command, startCommand) }
        guard let socket = holder.socketPath else {
            throw call.failure(
                "", "the node of \(site) is just starting or stopping (process \(holder.pid))",
                remedy: "Try again in a moment; its log is \(directory.logPath)", exit: .unreachable)
        }
        client = HTTPClient(.unix(path: socket))
    }

    /// Whether another process runs the node of this directory.
    static func isAlive(in directory: DataDirectory) throws -> Bool {
        guard let holder = try DataLock.holder(of: directory), holder.pid != getpid() else { return false }
        return kill(holder.pid, 0) == 0 || errno == EPERM
    }

    private static func notRunning(_ site: String, _ command: String, _ start: String) -> Failure {
        Failure(
            command, "", "the node of \(site) is not running", remedy: "Start it with `\(start)`", exit: .unreachable)
    }

    /// Makes a call and keeps the answer.
    ///
    /// - Parameter progress: bytes sent and bytes in all, as the body goes out.
    func send(_ call: Call, progress: (@Sendable (Int, Int) -> Void)? = nil) async throws(Failure) -> Reply {
        do throws(APIError) {
            return try await client.send(call, progress: progress)
        } catch {
            throw explained(error)
        }
    }

    func get(
        _ path: EscapedPath, _ query: [(name: String, value: String?)] = []
    ) async throws(Failure) -> Reply {
        try await send(Call(.get, path, query: query))
    }

    /// - Parameter timeout: nil for long work.
    func post(
        _ path: EscapedPath, _ body: some Encodable & Sendable, timeout: Duration? = .seconds(60)
    ) async throws(Failure) -> Reply {
        let bytes: [UInt8]
        do throws(Problem) {
            bytes = try JSON.encode(body)
        } catch {
            throw explained(.refused(error))
        }
        return try await send(
            Call(.post, path, body: .bytes(bytes, contentType: "application/json"), timeout: timeout))
    }

    /// Makes a call and hands the body to `take` part by part, on the client's thread.
    func download(
        _ path: EscapedPath, _ query: [(name: String, value: String?)] = [],
        to take: @escaping @Sendable ([UInt8]) throws -> Void
    ) async throws {
        do {
            _ = try await client.download(Call(.get, path, query: query, timeout: nil), to: take)
        } catch let error as APIError {
            throw explained(error)
        }
    }

    private func explained(_ error: APIError) -> Failure {
        if case .unreachable = error { return Self.notRunning(site, command, startCommand) }
        return failure(error, of: command)
    }
}

extension Reply {
    /// The body as a report. - Throws: exit code 4 for an answer of another version.
    func report<Report: Decodable>(_ type: Report.Type = Report.self) throws -> Report { try json(type) }
}

extension Invocation {
    /// Prints the answer as the node gave it.
    func printJSON(_ reply: Reply) {
        console.print(String(decoding: reply.body, as: UTF8.self))
    }
}
