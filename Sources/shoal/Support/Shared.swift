internal import API
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import Site
internal import Terminal
internal import Wire

/// Options and flags that many commands share.
enum Shared {
    static let json = Flag("json", "print JSON instead of text")
    static let keys = Option<String?>(
        "keys", .path.named("DIR"), "the directory of key and network files (default: keys, or SHOAL_KEYS)")
}

extension Invocation {
    /// `graph import`: the command's name as error messages begin.
    var command: String { String(name.drop { $0 != " " }.dropFirst()) }

    /// Where key and network files are.
    var keysDirectory: String { self[Shared.keys] ?? variable("SHOAL_KEYS") ?? "keys" }

    /// A failure of this command.
    func failure(
        _ object: String, _ cause: String, remedy: String = "", exit: ExitCode = .refused
    ) -> Failure {
        Failure(command, object, cause, remedy: remedy, exit: exit)
    }

    /// Prints a value as one line of JSON, in the form of the API.
    func printJSON(_ value: some Encodable) throws {
        console.print(String(decoding: try JSON.encode(value), as: UTF8.self))
    }

    /// Shows that work goes on whose end nobody can tell.
    func showing<Value>(_ label: String, _ text: String, _ work: (LiveRow) async throws -> Value) async throws -> Value
    {
        try await LiveRegion.show(on: console) { region in
            let row = region.row(label)
            row.status(text)
            do {
                let value = try await work(row)
                row.finish("done")
                return value
            } catch {
                // Its cause is told by whoever catches it.
                row.fail("see below")
                throw error
            }
        }
    }

    /// Prints a paragraph that a person should read, after an empty line.
    func advise(_ text: String) {
        console.print()
        console.print(text)
    }
}

extension ValueType where Value == PeerID {
    /// 64 hexadecimal digits.
    static var peerID: ValueType {
        ValueType(
            placeholder: "PEER_ID", rule: "a peer id: 64 hexadecimal digits, as `shoal peers list --json` tells them"
        ) {
            PeerID(hex: $0)
        } show: {
            $0.hex
        }
    }
}

/// A variable of the environment that is set and not empty.
func variable(_ name: String) -> String? {
    DataDirectory.variable(name).flatMap { $0.isEmpty ? nil : $0 }
}

/// What a variable says of something that is on or off. A site that was to keep still must not go on over a typing error.
func switchVariable(_ name: String, _ call: Invocation) throws -> Bool? {
    switch variable(name) {
    case nil: return nil
    case "yes", "true", "1": return true
    case "no", "false", "0": return false
    case let text?:
        throw call.failure(
            "\(name)=\(printable(text))", "the variable cannot be understood", remedy: "Write yes or no", exit: .usage)
    }
}

/// `1 op`, `1,234 ops`.
func counted(_ count: Int, _ thing: String, _ things: String? = nil) -> String {
    "\(Format.count(count)) \(count == 1 ? thing : things ?? thing + "s")"
}

/// The part of an id that people compare.
func short(_ hex: String) -> String { String(hex.prefix(12)) }

/// A path as one word of a shell command.
func quoted(_ path: String) -> String {
    let isPlain =
        !path.isEmpty
        && path.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || "/._-+@%,:=".unicodeScalars.contains(scalar)
        }
    return isPlain ? path : "'\(path.replacing("'", with: "'\\''"))'"
}

/// Questions about paths that need no file to be opened.
enum Paths {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }

    /// The names in a directory, sorted; none if it cannot be read.
    static func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// From the root; nothing is looked up.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }

    /// Without symbolic links, `.` and `..`; the absolute path if it cannot be told.
    static func real(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return absolute(path) }
        defer { free(real) }
        return String(cString: real)
    }

    static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
