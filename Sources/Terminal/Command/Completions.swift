/// Completion scripts for shells, from the declarations of the commands: they know every command, option and choice.
public enum Completions {
    public enum Shell: String, Sendable, CaseIterable { case bash, zsh, fish }

    /// A script to be sourced, or put where the shell looks for completions.
    public static func script(for shell: Shell, of root: Command) -> String {
        switch shell {
        case .bash: bash(root)
        case .zsh: zsh(root)
        case .fish: fish(root)
        }
    }

    /// What may be typed at one place of the tree.
    private struct Place {
        let path: String
        let command: Command
        /// With those of the groups around it.
        let options: [OptionSpec]
        let flags: [Flag]
    }

    private static func places(_ command: Command, _ path: String, _ above: [Command] = []) -> [Place] {
        let chain = above + [command]
        let place = Place(
            path: path, command: command, options: chain.flatMap(\.options),
            flags: chain.flatMap(\.flags) + [Flag("help", "show this page")])
        return [place] + command.subcommands.flatMap { places($0, "\(path) \($0.name)", chain) }
    }

    /// The words of a placeholder like `tsv|jsonl`; none for one that is no choice.
    private static func choices(_ placeholder: String) -> [String] {
        let words = placeholder.split(separator: "|").map(String.init)
        return words.count > 1 && words.allSatisfy { $0 == $0.lowercased() } ? words : []
    }

    private static func isFile(_ placeholder: String) -> Bool {
        placeholder.split(separator: "|").contains { ["FILE", "DIR", "PATH"].contains($0) }
    }

    // MARK: bash

    private static func bash(_ root: Command) -> String {
        let places = places(root, root.name)
        var text = """
            # bash completion for \(root.name): source it, or put it into a directory of bash-completion.
            _\(root.name)() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=\(root.name) i
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "$path ${COMP_WORDS[i]}" in

            """
        let inner = places.dropFirst().map { "\"\($0.path)\"" }.joined(separator: "|")
        text += "            \(inner)) path=\"$path ${COMP_WORDS[i]}\" ;;\n        esac\n    done\n"
        text += "    case \"$path $prev\" in\n"
        for place in places {
            for option in place.options {
                let choices = choices(option.placeholder)
                let answer =
                    choices.isEmpty
                    ? (isFile(option.placeholder) ? "compgen -f -- \"$cur\"" : ":")
                    : "compgen -W \"\(choices.joined(separator: " "))\" -- \"$cur\""
                text += "        \"\(place.path) --\(option.name)\") COMPREPLY=($(\(answer))); return ;;\n"
            }
        }
        text += "    esac\n    case \"$path\" in\n"
        for place in places {
            let words =
                place.command.subcommands.map(\.name)
                + (place.options.map(\.name) + place.flags.map(\.name)).map { "--\($0)" }
            let files = place.command.arguments.isEmpty ? "" : " $(compgen -f -- \"$cur\")"
            text +=
                "        \"\(place.path)\") COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$cur\")\(files)) ;;\n"
        }
        return text + "    esac\n}\ncomplete -o filenames -F _\(root.name) \(root.name)\n"
    }

    // MARK: zsh

    private static func zsh(_ root: Command) -> String {
        let places = places(root, root.name)
        var text = """
            #compdef \(root.name)
            # zsh completion for \(root.name): put it into a directory of $fpath as _\(root.name).
            _\(root.name)() {
                local path_=\(root.name) i
                for ((i = 2; i < CURRENT; i++)); do
                    case "$path_ $words[i]" in

            """
        let inner = places.dropFirst().map { "\"\($0.path)\"" }.joined(separator: "|")
        text += "            \(inner)) path_=\"$path_ $words[i]\" ;;\n        esac\n    done\n"
        text += "    local -a commands options\n    case \"$path_ $words[CURRENT-1]\" in\n"
        for place in places {
            for option in place.options {
                let choices = choices(option.placeholder)
                let answer =
                    choices.isEmpty
                    ? (isFile(option.placeholder) ? "_files" : "_message '\(option.placeholder)'")
                    : "compadd \(choices.joined(separator: " "))"
                text += "        \"\(place.path) --\(option.name)\") \(answer); return ;;\n"
            }
        }
        text += "    esac\n    case \"$path_\" in\n"
        for place in places {
            let commands = place.command.subcommands.map { described($0.name, $0.summary) }
            let options =
                place.options.map { described("--\($0.name)", $0.help) }
                + place.flags.map { described("--\($0.name)", $0.help) }
            text += "        \"\(place.path)\")\n            commands=(\(commands.joined(separator: " ")))\n"
            text += "            options=(\(options.joined(separator: " ")))\n"
            if !place.command.arguments.isEmpty { text += "            _files\n" }
            text += "            ;;\n"
        }
        return text + """
                esac
                (( $#commands )) && _describe command commands
                _describe option options
            }
            _\(root.name) "$@"

            """
    }

    /// `'name:what it does'`.
    private static func described(_ name: String, _ help: String) -> String {
        "'\(name):\(help.replacing("'", with: "'\\''").replacing(":", with: "\\:"))'"
    }

    // MARK: fish

    private static func fish(_ root: Command) -> String {
        let name = root.name
        var text = """
            # fish completion for \(name): put it into ~/.config/fish/completions/\(name).fish.
            function __\(name)_path
                set -l path \(name)
                for word in (commandline -opc)[2..-1]
                    contains -- "$path $word" $__\(name)_paths; and set path "$path $word"
                end
                echo $path
            end

            """
        let places = places(root, name)
        text += "set -g __\(name)_paths \(places.dropFirst().map { "'\($0.path)'" }.joined(separator: " "))\n"
        for place in places {
            let here = "complete -c \(name) -n 'test (__\(name)_path) = \"\(place.path)\"'"
            for command in place.command.subcommands {
                text += "\(here) -f -a '\(command.name)' -d \(quoted(command.summary))\n"
            }
            for option in place.options {
                let choices = choices(option.placeholder)
                let values =
                    choices.isEmpty
                    ? (isFile(option.placeholder) ? "-r -F" : "-x")
                    : "-x -a '\(choices.joined(separator: " "))'"
                text += "\(here) -l \(option.name) \(values) -d \(quoted(option.help))\n"
            }
            for flag in place.flags { text += "\(here) -l \(flag.name) -d \(quoted(flag.help))\n" }
        }
        return text
    }

    private static func quoted(_ text: String) -> String {
        "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }
}
