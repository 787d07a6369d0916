internal import Fuzz
internal import Glibc
internal import Wire

/// `shoal-fuzz TARGET …`: one reader of hostile bytes, driven by libFuzzer (`make fuzz`).
///
/// ```
/// shoal-fuzz TARGET [libFuzzer's options and corpus directories]
/// shoal-fuzz --seeds DIR        writes what every target begins with into DIR/TARGET
/// ```
/// libFuzzer brings the `main` of such a build (the linker takes its library whole, so there can be no other), and calls
/// ``initialize(_:_:)`` first. This one is what any other build does.
@main enum Main {
    nonisolated(unsafe) fileprivate static var target = FuzzTarget.cbor

    static func main() { fail("this program was built without libFuzzer: use `make fuzz`", code: 3) }

    /// Takes its own words out of the command line.
    fileprivate static func begin(
        _ count: UnsafeMutablePointer<Int32>,
        _ list: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
    ) {
        var words = (1..<max(1, Int(count.pointee))).compactMap { list.pointee?[$0].map { String(cString: $0) } }
        if words.first == "--seeds", words.count == 2 {
            writeSeeds(words[1])
            exit(0)
        }
        guard let name = words.first, let chosen = FuzzTarget(rawValue: name) else {
            return fail("give one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))", code: 2)
        }
        target = chosen
        words.removeFirst()
        if !words.contains(where: { $0.hasPrefix("-max_len=") }) { words.append("-max_len=\(chosen.maxBytes)") }
        let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 2)
        // It insists that this one is as it was.
        copies[0] = list.pointee?[0]
        for (place, word) in words.enumerated() { copies[place + 1] = strdup(word) }
        copies[words.count + 1] = nil
        (count.pointee, list.pointee) = (Int32(words.count + 1), copies)
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

    fileprivate static func fail(_ sentence: String, code: Int32) {
        let line = "shoal-fuzz: \(sentence)\n"
        _ = write(STDERR_FILENO, line, line.utf8.count)
        exit(code)
    }
}

/// libFuzzer's hook before it reads the command line.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<Int32>,
    _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
    Main.begin(count, words)
    return 0
}

/// One input.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    Main.target.run(Array(UnsafeBufferPointer(start: bytes, count: size)))
    return 0
}
