/// The language of a file by its name's ending.
enum FileLanguage {
    static let markdown = "markdown"

    private static let byExtension: [String: String] = [
        "md": markdown, "markdown": markdown, "mdx": markdown,
        "swift": "swift", "c": "c", "h": "c", "cc": "c++", "cpp": "c++", "cxx": "c++", "hpp": "c++", "hh": "c++",
        "m": "objective-c", "rs": "rust", "go": "go", "py": "python", "rb": "ruby", "pl": "perl", "pm": "perl",
        "java": "java", "kt": "kotlin", "scala": "scala", "cs": "c#", "js": "javascript", "mjs": "javascript",
        "ts": "typescript", "tsx": "typescript", "jsx": "javascript", "php": "php", "lua": "lua", "r": "r",
        "jl": "julia", "hs": "haskell", "ml": "ocaml", "ex": "elixir", "erl": "erlang", "clj": "clojure",
        "lisp": "lisp", "el": "emacs-lisp", "sh": "shell", "bash": "shell", "sql": "sql", "vim": "vim",
        "f90": "fortran", "f": "fortran", "zig": "zig", "dart": "dart", "d": "d", "tcl": "tcl", "asm": "assembly",
        "s": "assembly", "proto": "protobuf", "toml": "toml", "yaml": "yaml", "yml": "yaml", "json": "json",
        "xml": "xml", "svg": "xml", "html": "html", "htm": "html", "css": "css", "scss": "css", "tex": "latex",
        "bib": "bibtex", "rst": "restructuredtext", "adoc": "asciidoc", "org": "org", "txt": "text", "csv": "csv",
        "tsv": "tsv", "jsonl": "json", "ini": "ini", "cfg": "ini", "conf": "ini", "log": "text", "lock": "text",
    ]

    /// Languages of data and prose, whose keys and headings are no symbols.
    private static let prose: Set<String> = [
        markdown, "toml", "yaml", "json", "xml", "html", "css", "latex", "bibtex", "restructuredtext", "asciidoc",
        "org", "text", "csv", "tsv", "ini",
    ]

    static func of(_ name: String) -> String? {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return nil }
        return byExtension[name[name.index(after: dot)...].lowercased()]
    }

    /// Also true for unknown languages: ctags knows some by a file's name or first line.
    static func mayHaveSymbols(_ name: String) -> Bool { of(name).map { !prose.contains($0) } ?? true }

    /// Whether symbols of this language, as ctags calls it, are symbols of code.
    static func isCode(_ language: String) -> Bool { !ctagsProse.contains(language) }

    private static let ctagsProse: Set<String> = [
        "Markdown", "JSON", "JavaProperties", "Yaml", "XML", "HTML", "CSS", "SCSS", "SVG", "PlistXML", "DTD", "RelaxNG",
        "Iniconf", "Tex", "BibTeX", "Asciidoc", "ReStructuredText", "Txt2tags", "Man", "Pod", "Passwd", "Diff",
        "Maven2",
    ]
}
