internal import FoundationEssentials
internal import Glibc
public import Identity
public import Wire

/// That a site has left its network, and that the others know: the file `left` in its data directory.
///
/// ```
/// NETWORK_ID NETWORK SECONDS        one line
/// ```
/// A site that left has nothing to do there any more, so its node does not start again.
public struct LeftNote: Sendable, Equatable {
    public let network: NetworkID
    public let name: String
    /// Seconds since 1970.
    public let seconds: UInt64

    private static let maxFileBytes = 1_024

    public init(network: NetworkID, name: String, seconds: UInt64) {
        self.network = network
        self.name = name
        self.seconds = seconds
    }

    /// - Returns: nil if the site has not left.
    public init?(in directory: DataDirectory) throws(SiteError) {
        let path = directory.leftPath
        guard Files.status(path) != nil else { return nil }
        let text = String(decoding: try Files.read(path, limit: Self.maxFileBytes), as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 3, let network = NetworkID(hex: String(words[0])), let seconds = UInt64(words[2]) else {
            throw SiteError(
                .malformed(line: 1), operation: "read", object: path, cause: "it is no note of a site that left",
                remedy: "remove it; a node that has left will be told so by the others")
        }
        self.init(network: network, name: String(words[1]), seconds: seconds)
    }

    public func write(in directory: DataDirectory) throws(SiteError) {
        try Files.write(Bytes("\(network.hex) \(name) \(seconds)\n".utf8), to: directory.leftPath)
    }

    /// Why the node of this site does not start.
    public func refusal(of site: String, in directory: DataDirectory) -> SiteError {
        let day = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601.year().month().day())
        return SiteError(
            .exists, operation: "start the node of", object: site,
            cause: "it left the network \(name) on \(day), and a site that left does not come back under its key",
            remedy: "its graph and models are still in \(directory.path). To take part again it joins as a new site: "
                + "shoal join TICKET --data-dir DIR --keys DIR")
    }
}
