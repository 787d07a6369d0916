/// A man page of the whole program, from the declarations of the commands (man(7)).
public enum ManPage {
    public static func text(of root: Command, version: String) -> String {
        var page = ".TH \(root.name.uppercased()) 1 \"\" \"\(root.name) \(version)\"\n"
        page += ".SH NAME\n\(root.name) \\- \(escaped(root.summary))\n"
        page += ".SH SYNOPSIS\n.B \(root.name)\n.I COMMAND\n[\\fIOPTION\\fR ...]\n"
        page += ".SH DESCRIPTION\n" + paragraphs(root.discussion)
        page += ".SH COMMANDS\n"
        for (path, command) in root.all.dropFirst() where command.subcommands.isEmpty {
            page +=
                ".SS \(escaped(path.joined(separator: " ")))\n\(escaped(command.summary)).\n"
                + paragraphs(command.discussion)
            for argument in command.arguments { page += term("\\fI\(escaped(argument.name))\\fR", argument.help) }
            for option in command.options {
                let value = option.defaultText.map { " (default: \($0))" } ?? ""
                page += term(
                    "\\fB\\-\\-\(escaped(option.name))\\fR \\fI\(escaped(option.placeholder))\\fR", option.help + value)
            }
            for flag in command.flags { page += term("\\fB\\-\\-\(escaped(flag.name))\\fR", flag.help) }
        }
        page += ".SH EXIT STATUS\n"
        for (code, meaning) in [
            ("0", "done"), ("1", "the answer is no"), ("2", "the command line is not understood"),
            ("3", "what is needed cannot be reached"), ("4", "refused"),
        ] { page += term("\\fB\(code)\\fR", meaning) }
        page += ".SH EXAMPLES\n"
        for example in root.examples { page += term("\\fB\(escaped(example.line))\\fR", example.meaning) }
        return page
    }

    private static func term(_ term: String, _ meaning: String) -> String { ".TP\n\(term)\n\(escaped(meaning))\n" }

    private static func paragraphs(_ text: String) -> String {
        text.split(separator: "\n\n").map { ".PP\n\(escaped(String($0).replacing("\n", with: " ")))\n" }.joined()
    }

    /// A line that begins with a dot or a quote would be a request; a hyphen stays what was typed.
    private static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&\(plain)" : plain
    }
}
