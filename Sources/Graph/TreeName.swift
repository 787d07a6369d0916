/// Canonical names of the parts of a directory tree, the same wherever the tree lies:
///
/// ```
/// folder or file   prefix/guide/intro.md
/// section          prefix/guide/intro.md#setup
/// symbol           prefix/src/main.swift::Parser.next
/// ```
///
/// In a path `%`, `#` and `:` are written as in a URL, so that what follows the first `#` or `::` is never part
/// of a file's name.
public enum TreeName {
    /// The name of `component` below `folder`; without a folder, its own.
    public static func path(_ component: String, below folder: String?) -> String {
        var name = ""
        for scalar in component.unicodeScalars {
            switch scalar {
            case "%": name += "%25"
            case "#": name += "%23"
            case ":": name += "%3A"
            default: name.unicodeScalars.append(scalar)
            }
        }
        return folder.map { $0.isEmpty ? name : "\($0)/\(name)" } ?? name
    }

    public static func section(_ slug: String, of file: String) -> String { "\(file)#\(slug)" }

    /// - Parameter scope: the symbols around it from the outermost, as its language separates them.
    public static func symbol(_ symbol: String, scope: String?, of file: String) -> String {
        "\(file)::\(scope.map { "\($0)." } ?? "")\(symbol)"
    }
}
