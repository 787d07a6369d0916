internal import Glibc

/// What the operating system tells of this process.
struct ProcessFacts {
    /// Bytes in memory, seconds of processor time, open files; nil where /proc does not say.
    var residentBytes: Double?
    var cpuSeconds: Double
    var openFiles: Double?
    var maxFiles: Double?

    init() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        residentBytes = Self.pages("/proc/self/statm").map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
        openFiles = Self.entries("/proc/self/fd")
        var limit = rlimit()
        maxFiles = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : nil
    }

    /// The second number of the file: resident pages.
    private static func pages(_ path: String) -> Double? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let words = text.split(separator: " ")
        return words.count > 1 ? Double(words[1]) : nil
    }

    private static func entries(_ path: String) -> Double? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = 0.0
        while readdir(directory) != nil { count += 1 }
        // `.`, `..` and the directory that is being read.
        return count - 3
    }
}
