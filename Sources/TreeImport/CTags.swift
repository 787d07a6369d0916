import FoundationEssentials
import Glibc
import Wire

/// A symbol as ctags tells it.
struct Tag: Decodable, Equatable {
    var name: String
    var path: String
    var kind: String?
    var language: String?
    /// From 1.
    var line: Int?
    /// The last line, where the language's parser knows it.
    var end: Int?
    /// The symbols around it, as the language writes them.
    var scope: String?
    var scopeKind: String?
    var signature: String?
}

/// Runs universal-ctags over a list of files.
struct CTags {
    let program: String

    /// The first of ctags' names on the PATH that can be executed.
    static var program: String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for name in ["ctags-universal", "universal-ctags", "ctags"] {
            for folder in path.split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
                return "\(folder)/\(name)"
            }
        }
        return nil
    }

    /// No option files: those of a hostile tree or of the user could change what is read.
    private static let arguments = [
        "--options=NONE", "--quiet=yes", "--output-format=json", "--fields=+neKSlzZs-P", "--extras=-p", "--sort=no",
        "--links=no", "-f", "-", "-L", "-",
    ]

    private static let maxLineBytes = 1 << 20

    /// - Parameters:
    ///   - take: gets the tags of one file after another.
    /// - Throws: ``TreeError/symbols(cause:)``, or what `take` throws.
    func run(_ paths: PathList, _ take: (Tag) throws -> Void) throws {
        let errors = try TemporaryFile()
        let child = try ChildProcess(program, Self.arguments, input: try paths.rewound(), errors: errors)
        var carry = Bytes()
        do {
            while let part = try child.read() {
                carry += part
                var start = 0
                while let end = carry[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    try Self.tag(carry[start..<end]).map(take)
                    start = end + 1
                }
                carry.removeFirst(start)
                guard carry.count <= Self.maxLineBytes else { throw TreeError.symbols(cause: "it wrote no lines") }
            }
        } catch {
            child.kill()
            throw error
        }
        let status = child.wait()
        guard status == 0 else {
            let words = String(decoding: errors.beginning(400), as: UTF8.self).trimmed
            throw TreeError.symbols(cause: words.isEmpty ? "it ended with status \(status)" : words)
        }
    }

    /// Nil for what is no symbol.
    private static func tag(_ line: ArraySlice<UInt8>) throws -> Tag? {
        guard !line.isEmpty else { return nil }
        do {
            let tag = try JSONDecoder().decode(Tag.self, from: Data(line))
            return tag.name.isEmpty ? nil : tag
        } catch {
            let beginning = String(decoding: line.prefix(80), as: UTF8.self)
            throw TreeError.symbols(cause: "its output is no JSON (is it universal-ctags?): \(beginning)")
        }
    }
}
