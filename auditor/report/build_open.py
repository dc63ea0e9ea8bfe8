"""What rests on runs that had not ended at the moment of the export."""

import numpy as np
import pandas as pd

from auditor.report.build_jobs import text_or_none
from auditor.report.doubts import OpenRun, OpenRuns

KUBERNETES = "kubernetes"


def open_runs(rows: pd.DataFrame) -> OpenRuns:
    """Sum up the runs of a report that had not ended; a pending one has nothing to count."""
    is_open = rows["is_open"].to_numpy(np.bool_) & (rows["elapsed_s"].to_numpy(np.float64) > 0)
    if not is_open.any():
        return OpenRuns()
    carbon_g = np.nan_to_num(rows["carbon_g"].to_numpy(np.float64))
    total_g, open_g = float(carbon_g.sum()), carbon_g[is_open]
    chosen = rows[is_open]
    is_pod = chosen["scheduler"].eq(KUBERNETES)
    largest = chosen.iloc[int(np.argmax(open_g))]
    return OpenRuns(
        carbon_ratio=float(open_g.sum()) / total_g if total_g > 0 else None,
        n_without_limit=int((chosen["time_limit_s"].isna() & ~is_pod).sum()),
        largest=OpenRun(
            cluster=str(largest["cluster"]),
            job_id=str(largest["job_id"]),
            user=text_or_none(largest["user"]),
            elapsed_s=float(largest["elapsed_s"]),
            carbon_g=float(open_g.max()),
            scheduler=text_or_none(largest["scheduler"]),
            parent_job_id=text_or_none(largest["parent_job_id"]),
        ),
        schedulers=tuple(sorted(chosen["scheduler"].dropna().astype(str).unique())),
    )
