"""A local S3 server in this process, for tests of object storage."""

import itertools
import os
from dataclasses import dataclass, field
from typing import Any

from pyarrow import fs


@dataclass
class S3Server:
    """moto's server on a free port. Clients use its address, and made-up credentials from the environment."""

    port: int
    server: Any
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    def start(cls) -> "S3Server":
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        os.environ |= {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "up", "AWS_EC2_METADATA_DISABLED": "true"}
        return cls(port, server)

    def bucket(self) -> str:
        """Make a bucket, and return the address of a prefix in it."""
        system = fs.S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.port}", scheme="http", region="us-east-1", allow_bucket_creation=True
        )
        name = f"bucket{next(self.numbers)}"
        system.create_dir(name)
        return f"s3://{name}/results?endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"

    def stop(self) -> None:
        self.server.stop()
