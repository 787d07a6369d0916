/// What a progress bar counts.
public enum ProgressUnit: Sendable, Equatable {
    /// Things with a name: `steps`, `lines`.
    case count(String)
    case bytes

    /// `1,234/2,000 steps`, `1.50 MiB/200 MiB`.
    func amount(_ done: Int, of total: Int?) -> String {
        switch self {
        case .count(let name):
            let amount = Format.count(done) + (total.map { "/\(Format.count($0))" } ?? "")
            return name.isEmpty ? amount : "\(amount) \(name)"
        case .bytes:
            return Format.bytes(done) + (total.map { "/\(Format.bytes($0))" } ?? "")
        }
    }

    /// `56.1/s`, `12.0 MiB/s`.
    func rate(_ perSecond: Double) -> String {
        switch self {
        case .count: Format.short(perSecond >= 100 ? perSecond.rounded() : perSecond) + "/s"
        case .bytes: Format.bytes(Int(perSecond)) + "/s"
        }
    }
}
