internal import CShims
internal import Fuzz
internal import Glibc
internal import Wire

/// `shoal-fuzz TARGET …`: one reader of hostile bytes, driven by libFuzzer (`make fuzz`).
///
/// ```
/// shoal-fuzz TARGET [libFuzzer's options and corpus directories]
/// shoal-fuzz --seeds DIR        writes what every target begins with into DIR/TARGET
/// ```
@main enum Main {
    nonisolated(unsafe) static var target = FuzzTarget.cbor

    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        if words.first == "--seeds", words.count == 2 { return writeSeeds(words[1]) }
        guard let name = words.first, let chosen = FuzzTarget(rawValue: name) else {
            return fail("give one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))", code: 2)
        }
        target = chosen
        words[0] = "shoal-fuzz \(name)"
        if !words.contains(where: { $0.hasPrefix("-max_len=") }) { words.append("-max_len=\(chosen.maxBytes)") }
        var count = Int32(words.count)
        let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
        for (place, word) in words.enumerated() { copies[place] = strdup(word) }
        copies[words.count] = nil
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = copies
        let code = shoal_fuzz_drive(&count, &list) { bytes, size in
            Main.target.run(Array(UnsafeBufferPointer(start: bytes, count: size)))
            return 0
        }
        if code < 0 { return fail("this program was built without libFuzzer: use `make fuzz`", code: 3) }
        exit(code)
    }

    private static func writeSeeds(_ directory: String) {
        mkdir(directory, 0o755)
        for target in FuzzTarget.allCases {
            mkdir("\(directory)/\(target.rawValue)", 0o755)
            for (number, seed) in target.seeds.enumerated() {
                guard let file = fopen("\(directory)/\(target.rawValue)/seed-\(number)", "we") else {
                    return fail("cannot write to \(directory)", code: 3)
                }
                fwrite(seed, 1, seed.count, file)
                fclose(file)
            }
        }
    }

    private static func fail(_ sentence: String, code: Int32) {
        let line = "shoal-fuzz: \(sentence)\n"
        _ = write(STDERR_FILENO, line, line.utf8.count)
        exit(code)
    }
}
