import Benchmark
import FoundationEssentials
import Learning

/// Folders of small graphs that a test may write and that vanish with it.
final class Folder {
    let path = FileManager.default.temporaryDirectory.appending(path: "shoal-quality-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ lines: [String]) throws {
        let file = "\(path)/\(name)"
        let folder = String(file[..<file.lastIndex(of: "/")!])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// Sites that know different edges of one ring of `nodes`, in which three relations lead 1, 2 and 3 nodes on.
    static func ring(nodes: Int, sites: Int) throws -> Folder {
        let folder = Folder()
        for site in 0..<sites {
            var train: [String] = []
            var test: [String] = []
            for node in 0..<nodes {
                for step in 1...3 {
                    let line = "n\(node)\tstep\(step)\tn\((node + step) % nodes)"
                    let isOwn = (node + step) % sites == site || step == 3
                    if isOwn && (node * 7 + step) % 6 != 0 { train.append(line) } else if isOwn { test.append(line) }
                }
            }
            let place = sites > 1 ? "\(site)/" : ""
            try folder.write("\(place)train.txt", train)
            try folder.write("\(place)valid.txt", test.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
            try folder.write("\(place)test.txt", test.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
        }
        return folder
    }
}

/// A plan of seconds.
func smallPlan(rounds: Int = 6) throws -> QualityPlan {
    var plan = QualityPlan(shape: try ModelShape(dim: 16, heads: 2, layers: 1, context: 8))
    plan.rounds = rounds
    plan.steps = 15
    plan.batch = 32
    plan.seeds = [1]
    return plan
}
