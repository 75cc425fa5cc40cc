"""Requests that no page of ours makes, from a seed."""

from urllib.parse import quote_from_bytes

# Those that take the most parameters more often.
ROUTES = [b"log", b"index.js", b"curves", b"range", *[b"layer"] * 3, *[b"sprite"] * 5]
METHODS = ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "get", "GET\0"]
ODD = [
    *(b"", b".", b"..", b"%", b"%zz", b"%00", b"0%00", b"%0D%0A", b"*", b"~", b"%252e%252e"),
    *(
        b"../../../../etc/passwd",
        b"%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        b"/etc/passwd",
        b"//etc/passwd",
    ),
    *(b"C:%5Cboot.ini", b"file:///etc/passwd", b"http://localhost/", b"%7e%2f.ssh"),
    *(b"%ED%A0%80", b"%C0%AF", b"%FF%FE", b"\xff", b"%F4%90%80%80", b"%EF%BF%BF", b"%E2%80%AE"),
    *(b"-1", b"-0", b"00", b"+0", b"%200", b"0%0A", b"1_0", b"0x0", b"0.0", b"1e400", b"NaN"),
    *(quote_from_bytes(digit.encode()).encode() for digit in "٠०０²①"),
    *(b"9" * 5000, b"-" + b"9" * 5000, b"a" * 50_000, b"%00" * 3000),
    *(
        b"<script>alert(1)</script>",
        b"{0.__class__}",
        b"%25s%25n",
        b"';--",
        b"${PATH}",
        b"[]",
        b"{}",
    ),
]


def malformed(random, valid):
    """A method and what is asked for, below the plugin's address: bytes as they are sent.

    Args:
        random: A `random.Random`.
        valid: Parameters that have an answer, by name.
    """
    method = random.choice(METHODS) if random.random() < 0.1 else "GET"
    target = _path(random) + b"?" + b"&".join(_parameters(random, valid))
    if random.random() < 0.1:
        place = random.randrange(len(target))
        # A space or the end of a line would end what is asked for.
        target = target[:place] + bytes([random.randrange(33, 256)]) + target[place + 1 :]
    return method, target


def _path(random):
    route = random.choice(ROUTES)
    if random.random() < 0.8:
        return route
    odd = random.choice(ODD)
    return random.choice([odd, route + b"/" + odd, odd + b"/" + route, route + odd, b"../" + route])


def _parameters(random, valid):
    names = [*valid.items()]
    random.shuffle(names)
    wrong = random.randrange(len(names))
    for place, (name, value) in enumerate(names):
        pair = name.encode() + b"=" + quote_from_bytes(value.encode()).encode()
        odd = random.choice(ODD)
        if place != wrong:
            yield pair
        else:
            yield from random.choice(
                [
                    [],
                    [name.encode()],
                    [name.encode() + b"=" + odd],
                    [name.encode() + b"=" + odd, pair],
                    [pair, name.encode() + b"=" + odd],
                    [odd + b"=" + odd, odd, pair.replace(b"=", b"==")],
                ]
            )


# What is no request at all, or only the beginning of one.
BROKEN = [
    *(b"", b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 1000, bytes(range(256)), b"\xff" * 70_000),
    *(
        b"GET /data/plugin/tb_kernels/log",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01",
    ),
    b"GET /data/plugin/tb_kernels/log?" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /data/plugin/tb_kernels/log HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET /data/plugin/tb_kernels/log HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST /data/plugin/tb_kernels/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /data/plugin/tb_kernels/log HTTP/1.1\r\nAccept-Encoding: gzip\xff\0\r\n\r\n",
    b"GET /data/plugin/tb_kernels/log HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n",
    b"GET /data/plugin/tb_kernels/log HTTP/1.1\r\n: \r\n\xff\xfe\r\n\r\n",
]
