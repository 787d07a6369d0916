internal import Daemon
internal import Terminal

/// `shoal completions`, `shoal man`: what shells and man know of the commands, made from their declarations.
enum CompletionsCommand {
    private static let shell = Argument<String>("SHELL", .choice("bash", "zsh", "fish"), "for which shell")

    static let command = Command(
        "completions", summary: "print a shell's completion script", arguments: [shell], flags: [Shared.json],
        examples: [
            .init("shoal completions bash", "to be written to /etc/bash_completion.d/shoal"),
            .init("shoal completions fish", "to be written to ~/.config/fish/completions/shoal.fish"),
            .init("shoal completions zsh", "to be written to /usr/local/share/zsh/site-functions/_shoal"),
        ]
    ) { call in
        let shell = Completions.Shell(rawValue: call[shell])!
        try tell(call, Completions.script(for: shell, of: program.root))
        return .done
    }

    static let man = Command(
        "man", summary: "print the man page", flags: [Shared.json],
        examples: [.init("shoal man", "to be written to /usr/local/share/man/man1/shoal.1; then: man shoal")]
    ) { call in
        try tell(call, ManPage.text(of: program.root, version: ShoalVersion.current))
        return .done
    }

    private struct Text: Encodable { let text: String }

    private static func tell(_ call: Invocation, _ text: String) throws {
        if call[Shared.json] {
            try call.printJSON(Text(text: text))
        } else {
            call.console.print(String(text.dropLast()))
        }
    }
}
